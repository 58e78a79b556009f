#!/bin/bash
# Checks custody.pml exhaustively in several small configurations, then its controls, each of which must fail with the check that is named for it.
#
#   run.sh              every configuration and every control (make model)
#   run.sh quick        two configurations and every control (make test)
#   run.sh long         larger configurations as well: several minutes, 3 GB
#   run.sh trail -D...  looks for a short counterexample with these flags and prints it step by step
#
# Exit code: 0 if every configuration holds and every control is caught, 1 if not, 2 if something is missing.
set -u
export LC_ALL=C

# name | level | flags | what it is about
configurations='
custody        | all   | -DN=2 -DFAULTS=1                                               | two queries with a retry each, one fault
two faults     | quick | -DFAULTS=2                                                     | one query with a retry, two faults
two writers    | quick | -DWRITERS=2 -DPAUSES=1 -DFAULTS=0                              | a query with a retry, a writer paused once
writer dies    | all   | -DWRITERS=2 -DPAUSES=1 -DFAULTS=1 -DRETRIES=0                  | a query, a writer paused once, one fault
paused twice   | all   | -DWRITERS=2 -DPAUSES=2 -DFAULTS=0 -DRETRIES=0                  | a query, writers paused twice
parking        | all   | -DFLAPS=3 -DFAULTS=1 -DRETRIES=0                               | an inbox that goes and comes twice, one fault
never there    | all   | -DN=2 -DFLAPS=2 -DFAULTS=0                                     | an inbox that is away in the end, another query behind it
withdrawal     | all   | -DWITHDRAW -DFAULTS=1                                          | a withdrawal races with the answer, one fault
all at once    | all   | -DWITHDRAW -DFLAPS=1 -DFAULTS=1 -DRETRIES=0                    | a withdrawal, parking, one fault
instances      | all   | -DWITHDRAW -DGATEWAYS=2 -DROUTERS=2 -DFAULTS=1 -DRETRIES=0     | a withdrawal, two gateways, two routers, one fault
three faults   | long  | -DFAULTS=3                                                     | one query with a retry, three faults
two writers +  | long  | -DWRITERS=2 -DPAUSES=1 -DFAULTS=1                              | a query with a retry, a writer paused once, one fault
parking +      | long  | -DN=2 -DFLAPS=1 -DFAULTS=1 -DRETRIES=0                         | two queries, parking, one fault
withdrawal +   | long  | -DWITHDRAW -DFAULTS=2                                          | a withdrawal, a retry, two faults
'

# Nothing goes round for ever, so that every run comes to the end at which the auditor looks.
endless='
no endless run | quick | -DFLAPS=2 -DWITHDRAW -DFAULTS=0                                | parking, withdrawal
no endless run | all   | -DWRITERS=2 -DPAUSES=1 -DFAULTS=0 -DRETRIES=0                  | a writer paused once
'

# flags | the check that must fail, as Spin prints it
controls='
-DACK_EARLY                                                        | (entries_answered[q]+entries_withdrawn[q])==1
-DASSUME_CONFIRMED                                                 | (entries_answered[q]+entries_withdrawn[q])==1
-DNO_HAND_AGAIN                                                    | dispatched[q]&&(entries_dispatched[q]==1)
-DHAND_DUPLICATES -DFAULTS=0                                       | delivered[q]<=1
-DCOUNT_DELIVERIES                                                 | entries_dispatched[q]<=1
-DPARK_ACK_FIRST -DFLAPS=1 -DRETRIES=0                             | dispatched[q]&&(entries_dispatched[q]==1)
-DWAIT_FOR_INBOX -DFLAPS=0 -DN=2 -DFAULTS=0                        | parking[q]>0
-DSWEEP_ON_CHANGE_ONLY -DFLAPS=1 -DFAULTS=0                        | dispatched[q]&&(entries_dispatched[q]==1)
-DPARKED_OVERRIDES -DFLAPS=1 -DRETRIES=0                           | !(parked[q])
-DNO_FENCE -DWRITERS=2 -DPAUSES=1 -DFAULTS=0                       | size==head_size
-DNO_FENCE -DCOUNTS_ONLY -DWRITERS=2 -DPAUSES=1 -DFAULTS=0         | entries_recorded[q]<=1
-DNO_EPOCH -DWRITERS=2 -DPAUSES=1 -DFAULTS=0                       | size==head_size
-DKEEP_MEMORY                                                      | size==head_size
-DWITHDRAW_UNCHECKED -DWITHDRAW -DFAULTS=0                         | (entries_answered[q]+entries_withdrawn[q])<=1
-DWITHDRAW_EARLY -DWITHDRAW -DFAULTS=0                             | received_total==
-DHOP_DEPTH=1 -DN=4 -DRETRIES=0 -DFAULTS=0                         | (entries_answered[q]+entries_withdrawn[q])==1
'

for tool in spin gcc; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: \`make setup\` installs it (on Debian: apt-get install $tool)" >&2; exit 2; }
done
model=$(cd "$(dirname "$0")" && pwd)/custody.pml
work=$(mktemp -d) && cd "$work" || exit 2
trap 'rm -rf "$work"' EXIT
failed=0

# search SPIN_FLAGS GCC_FLAGS PAN_FLAGS: writes what pan says to ./out; fails if the model cannot be built.
search() {
  rm -f pan pan.* ./*.trail out
  # shellcheck disable=SC2086
  spin -a $1 "$model" >out 2>&1 && gcc -w -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=5000 $2 -o pan pan.c >>out 2>&1 || return 1
  # shellcheck disable=SC2086
  timeout "${LIMIT:-900}" ./pan -m500000 $3 >out 2>&1
  return 0
}

# Holds only if the search was complete: a search cut short by depth, memory or time has proved nothing.
holds() { grep -q 'errors: 0$' out && ! grep -qE 'depth too small|out of memory|not completed|[Ii]nterrupted' out; }

trim() { sed -E 's/^ +| +$//g; s/ +/ /g' <<<"$1"; }
wanted() { [ "$2" = quick ] || [ "$1" = long ] || { [ "$1" = all ] && [ "$2" = all ]; }; }

# configuration LEVEL_ASKED GCC_FLAGS PAN_FLAGS, rows on standard input
configuration() {
  local name level flags about begun
  while IFS='|' read -r name level flags about; do
    [ "$name" ] || continue
    flags=$(trim "$flags"); wanted "$1" "$(trim "$level")" || continue
    begun=${EPOCHREALTIME/./}
    if search "$flags" "$2" "$3" && holds; then verdict=holds; else verdict=FAILS; failed=1; fi
    printf '%-15s %-6s %9s states %4d s %5s MB  %s: %s\n' "$name" "$verdict" \
      "$(grep -oE '[0-9]+ states, stored' out | cut -d' ' -f1)" $(((${EPOCHREALTIME/./} - begun + 500000) / 1000000)) \
      "$(grep -oE '[0-9.]+.total actual memory' out | grep -oE '^[0-9]+')" "$(trim "$about")" "$flags"
    [ $verdict = holds ] || { grep -E '^pan:|rror' out; echo "  to see it step by step: $0 trail $flags"; }
  done
}

control() {
  local flags expected
  while IFS='|' read -r flags expected; do
    flags=$(trim "$flags"); [ "$flags" ] || continue
    search "$flags" "-O0 -DSAFETY" "-w20"
    if grep -E '^pan:1: assertion violated' out | grep -qF -- "$(trim "$expected")"; then
      printf 'control %-62s caught: %s\n' "$flags" "$(trim "$expected")"
    else
      printf 'control %-62s NOT caught by: %s\n' "$flags" "$(trim "$expected")"; grep -E '^pan:|errors:|rror' out; failed=1
    fi
  done
}

trail() {
  search "$*" "-O1 -DSAFETY -DREACH" "-i -w22"
  compgen -G '*.trail' >/dev/null || { cat out; echo "no counterexample with: $*"; return; }
  # What follows "#processes" is only where each process stood.
  spin -k ./*.trail -p -g "$@" "$model" | sed -E -e '/^#processes/,$d' -e '/^\s+queue [0-9]+ .*: $/d' -e "s|$model|custody.pml|"
}

case "${1:-all}" in
  trail) shift; trail "$@"; exit 0 ;;
  quick | all | long) ;;
  *) echo "unknown: $1 (quick, all, long or trail)" >&2; exit 2 ;;
esac
configuration "${1:-all}" "-O1 -DSAFETY" "-w22" <<<"$configurations"
configuration "${1:-all}" "-O1 -DNP" "-l -w22" <<<"$endless"
control <<<"$controls"
[ $failed = 0 ] && echo "the model holds, and every control is caught" || echo "the model FAILS"
exit $failed
