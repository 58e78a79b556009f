#!/bin/bash
# Checks the models exhaustively in several small configurations, then their controls, each of which must fail with the check that is named for it.
#
#   run.sh              every configuration and every control (make model)
#   run.sh quick        some of both (make test)
#   run.sh long         larger configurations as well: several minutes, 3 GB
#   run.sh trail MODEL CHECK -D...
#                       looks for a counterexample and prints it step by step, of MODEL (custody, quarantine) with these flags, to CHECK:
#                       safety for the assertions, endless for a run that never ends
#
# Exit code: 0 if every configuration holds and every control is caught, 1 if not, 2 if something is missing.
set -u
export LC_ALL=C

# name | level (big: of all, and worth the compiler's optimizing) | model | check | flags | what it is about
# endless: nothing goes round for ever, so that every run comes to the end at which the rest is checked.
configurations='
one fault      | quick | custody    | safety  | -DFAULTS=1                                                      | a query with a retry, one fault
small queues   | quick | custody    | safety  | -DHOP_DEPTH=1 -DN=4 -DRETRIES=0 -DFAULTS=0                      | four queries, internal queues that hold one message
two writers    | quick | custody    | safety  | -DWRITERS=2 -DFAULTS=0 -DMOST_FENCED=1                          | two writers, each perhaps active on one queue
parking        | quick | custody    | endless | -DFLAPS=2 -DFAULTS=0 -DRETRIES=0                                | an inbox that goes, comes and goes
forward        | quick | custody    | safety  | -DFORWARD -DFAULTS=1 -DRETRIES=0                                | a query that may be handed on, one fault
two writers    | quick | custody    | endless | -DWRITERS=2 -DFAULTS=0 -DRETRIES=0                              | two writers, each perhaps active on one queue
poison         | quick | quarantine | safety  | -DFAULTS=1                                                      | one poisonous record, one death besides
poison         | all   | quarantine | endless | -DFAULTS=1                                                      | the same
poison again   | big   | quarantine | safety  | -DPOISON_AGAIN -DFAULTS=1                                       | the poisonous record is posted again, one death besides
in turn        | all   | quarantine | safety  | -DOTHER_QUEUE -DIN_TURN                                         | what trying one quarantine after the other would give
custody        | all   | custody    | safety  | -DN=2 -DFAULTS=1 -DRETRIES=0                                    | two queries, one fault
two faults     | all   | custody    | safety  | -DFAULTS=2 -DRETRIES=0                                          | a query, two faults
small queues   | all   | custody    | safety  | -DHOP_DEPTH=1 -DN=2 -DRETRIES=0 -DFAULTS=1                      | two queries, queues that hold one message, one fault
writer dies    | all   | custody    | safety  | -DWRITERS=2 -DFAULTS=1 -DRETRIES=0 -DSILENT                     | two writers, one fault
writer paused  | all   | custody    | safety  | -DWRITERS=2 -DPAUSES=1 -DFAULTS=0 -DRETRIES=0 -DSILENT -DMOST_FENCED=3 | two writers, one paused once
parking        | big   | custody    | safety  | -DFLAPS=1 -DFAULTS=1 -DRETRIES=0                                | an inbox that goes and comes, one fault
two parked     | all   | custody    | safety  | -DN=2 -DLAST_AWAY=1 -DFLAPS=1 -DFAULTS=0 -DRETRIES=0            | an inbox that goes and comes, two queries for it
never there    | all   | custody    | safety  | -DN=2 -DFLAPS=0 -DFAULTS=0                                      | an inbox that goes for good, a query for it and one for another inbox
withdrawal     | big   | custody    | safety  | -DWITHDRAW -DFAULTS=1                                           | a withdrawal races with the answer, one fault
all at once    | all   | custody    | safety  | -DWITHDRAW -DFLAPS=1 -DFAULTS=0                                 | a withdrawal, parking
forward        | big   | custody    | safety  | -DFORWARD -DFAULTS=1                                            | the same, with a retry
two forwarded  | all   | custody    | safety  | -DFORWARD -DN=2 -DFAULTS=0 -DRETRIES=0                          | two queries that may be handed on
forward        | big   | custody    | safety  | -DFORWARD -DWITHDRAW -DFAULTS=1 -DRETRIES=0                     | a forward races with a withdrawal, one fault
instances      | all   | custody    | safety  | -DGATEWAYS=2 -DROUTERS=2 -DFAULTS=1 -DRETRIES=0                 | a query, two gateways, two routers, one fault
poison         | all   | quarantine | safety  | -DFAULTS=2 -DLIMIT=3                                            | one poisonous record, two deaths besides
custody +      | long  | custody    | safety  | -DN=2 -DFAULTS=1                                                | two queries with a retry each, one fault
two faults +   | long  | custody    | safety  | -DFAULTS=2                                                      | a query with a retry, two faults
parking +      | long  | custody    | endless | -DFLAPS=2 -DWITHDRAW -DFAULTS=0                                 | parking, a withdrawal, a retry
three faults   | long  | custody    | safety  | -DFAULTS=3                                                      | a query with a retry, three faults
writer dies +  | long  | custody    | safety  | -DWRITERS=2 -DFAULTS=1 -DRETRIES=0                              | two writers, one fault, the answer too
connection lost| long  | custody    | safety  | -DWRITERS=2 -DPAUSES=1 -DCONNECTIONS -DFAULTS=0 -DRETRIES=0 -DSILENT -DMOST_FENCED=3 | two writers, one or a connection of it paused
never there +  | long  | custody    | safety  | -DN=2 -DFLAPS=2 -DFAULTS=0                                      | an inbox that goes, comes and goes, a query for it and one for another
writer paused +| long  | custody    | safety  | -DWRITERS=2 -DPAUSES=1 -DFAULTS=0 -DRETRIES=0 -DMOST_FENCED=6   | a writer paused once, the answer too
parking +      | long  | custody    | safety  | -DFLAPS=3 -DFAULTS=1 -DRETRIES=0                                | an inbox that goes and comes twice, one fault
two parked +   | long  | custody    | safety  | -DN=2 -DLAST_AWAY=1 -DFLAPS=2 -DFAULTS=0 -DRETRIES=0            | an inbox that goes, comes and goes, two queries for it
all at once +  | long  | custody    | safety  | -DWITHDRAW -DFLAPS=1 -DFAULTS=1 -DRETRIES=0                     | a withdrawal, parking, one fault
forward +      | long  | custody    | safety  | -DFORWARD -DFAULTS=2 -DRETRIES=0                                | a query that may be handed on, two faults
instances +    | long  | custody    | safety  | -DWITHDRAW -DGATEWAYS=2 -DROUTERS=2 -DFAULTS=1 -DRETRIES=0      | the same, and a withdrawal
poison +       | long  | quarantine | safety  | -DOTHER_QUEUE -DIN_TURN -DPOISON_AGAIN -DLIMIT=3                | all of it
'

# level | model | check | flags | what must fail, as Spin prints it
controls='
quick | custody    | safety  | -DACK_EARLY                                                       | (entries_answered[q]+entries_withdrawn[q])==1
quick | custody    | safety  | -DASSUME_CONFIRMED                                                | (entries_answered[q]+entries_withdrawn[q])==1
quick | custody    | safety  | -DNO_HAND_AGAIN                                                   | dispatched[q]&&(entries_dispatched[q]==1)
quick | custody    | safety  | -DHAND_DUPLICATES -DFAULTS=0                                      | delivered[q]<=1
all   | custody    | safety  | -DCOUNT_DELIVERIES                                                | entries_dispatched[q]<=1
all   | custody    | safety  | -DPARK_ACK_FIRST -DFLAPS=1 -DRETRIES=0                            | dispatched[q]&&(entries_dispatched[q]==1)
quick | custody    | safety  | -DWAIT_FOR_INBOX -DFLAPS=0 -DN=2 -DFAULTS=0                       | lying[q]>0
quick | custody    | safety  | -DSWEEP_ON_CHANGE_ONLY -DFLAPS=1 -DFAULTS=0                       | dispatched[q]&&(entries_dispatched[q]==1)
quick | custody    | safety  | -DACK_THROUGH_LAST -DN=2 -DLAST_AWAY=1 -DFLAPS=2 -DRETRIES=0 -DFAULTS=0 | lying[q]>0
all   | custody    | endless | -DNO_MARK -DFLAPS=2 -DRETRIES=0 -DFAULTS=0                        | non-progress cycle
quick | custody    | endless | -DTWO_SWEEP -DFLAPS=2 -DRETRIES=0 -DFAULTS=0                      | non-progress cycle
quick | custody    | safety  | -DPARKED_OVERRIDES -DFLAPS=1 -DRETRIES=0                          | !(parked[q])
quick | custody    | safety  | -DNO_FENCE -DWRITERS=2 -DPAUSES=1 -DFAULTS=0                      | .size==head_size
all   | custody    | safety  | -DNO_FENCE -DCOUNTS_ONLY -DWRITERS=2 -DPAUSES=1 -DFAULTS=0        | entries_recorded[q]<=1
quick | custody    | safety  | -DNO_EPOCH -DWRITERS=2 -DPAUSES=1 -DFAULTS=0                      | .size==head_size
quick | custody    | safety  | -DKEEP_MEMORY                                                     | .size==head_size
quick | custody    | safety  | -DCLAIM_APART -DWRITERS=2 -DRETRIES=0 -DFAULTS=0 -DMOST_FENCED=20 | fenced<=20
quick | custody    | safety  | -DCLAIM_APART -DEPOCH_READ_TWICE -DRETRIES=0 -DFAULTS=0 -DMOST_FENCED=0 | fenced<=0
all   | custody    | safety  | -DWITHDRAW_UNCHECKED -DWITHDRAW -DFAULTS=0                        | (entries_answered[q]+entries_withdrawn[q])<=1
all   | custody    | safety  | -DWITHDRAW_EARLY -DWITHDRAW -DFAULTS=0                            | received_total==
quick | custody    | safety  | -DNO_DUTY -DFORWARD -DFAULTS=0 -DRETRIES=0                        | placed_in[(q+(1*duty[q]))]
quick | custody    | safety  | -DNO_FORWARD_AGAIN -DFORWARD -DRETRIES=0                          | dispatched[q]&&(entries_dispatched[q]==(1+duty[q]))
quick | custody    | safety  | -DONE_QUEUE -DHOP_DEPTH=1 -DN=4 -DRETRIES=0 -DFAULTS=0            | (entries_answered[q]+entries_withdrawn[q])==1
quick | quarantine | safety  | -DNO_QUARANTINE                                                   | !((set_aside&(1<<s)))
all   | quarantine | safety  | -DNOT_ALONE                                                       | !((set_aside&(1<<s)))
all   | quarantine | safety  | -DNOT_CUT_UP                                                      | !((set_aside&(1<<s)))
quick | quarantine | safety  | -DRENAMED                                                         | handed_over&(1<<s)
quick | quarantine | safety  | -DOTHER_QUEUE                                                     | !((set_aside&(1<<s)))
quick | quarantine | safety  | -DNO_TRIALS -DPOISON_AGAIN                                        | !((set_aside&(1<<s)))
'

for tool in spin gcc; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: \`make setup\` installs it (on Debian: apt-get install $tool)" >&2; exit 2; }
done
models=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) && cd "$work" || exit 2
trap 'rm -rf "$work"' EXIT
failed=0

# search MODEL CHECK SPIN_FLAGS GCC_FLAGS PAN_FLAGS: writes what pan says to ./out; fails if the model cannot be built.
search() {
  local check_gcc=-DSAFETY check_pan=
  [ "$2" = safety ] || { check_gcc=-DNP; check_pan=-l; }
  rm -f pan pan.* ./*.trail out
  # shellcheck disable=SC2086
  spin -a $3 "$models/$1.pml" >out 2>&1 && gcc -w $check_gcc -DNOFAIR -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=5000 $4 -o pan pan.c >>out 2>&1 || return 1
  # shellcheck disable=SC2086
  timeout "${LIMIT:-900}" ./pan -m500000 $check_pan $5 >out 2>&1
  return 0
}

# Holds only if the search was complete: a search cut short by depth, memory or time has proved nothing.
holds() { grep -q 'errors: 0$' out && ! grep -qE 'depth too small|out of memory|not completed|[Ii]nterrupted' out; }

trim() { sed -E 's/^ +| +$//g; s/ +/ /g' <<<"$1"; }
wanted() { [ "$2" = quick ] || [ "$1" = long ] || { [ "$1" = all ] && [ "$2" != long ]; }; }

# configuration LEVEL_ASKED, rows on standard input
configuration() {
  local name level model check flags about begun verdict optimize
  while IFS='|' read -r name level model check flags about; do
    [ "$name" ] || continue
    model=$(trim "$model") check=$(trim "$check") flags=$(trim "$flags") level=$(trim "$level"); wanted "$1" "$level" || continue
    [[ $level =~ ^(big|long)$ ]] && optimize=-O1 || optimize=-O0
    begun=${EPOCHREALTIME/./}
    if search "$model" "$check" "$flags" $optimize -w22 && holds; then verdict=holds; else verdict=FAILS; failed=1; fi
    printf '%-15s %-7s %-5s %9s states %4d s %5s MB  %s: %s\n' "$name" "$check" "$verdict" \
      "$(grep -oE '[0-9]+ states, stored' out | cut -d' ' -f1)" $(((${EPOCHREALTIME/./} - begun + 500000) / 1000000)) \
      "$(grep -oE '[0-9.]+.total actual memory' out | grep -oE '^[0-9]+')" "$(trim "$about")" "$flags"
    [ $verdict = holds ] || { grep -E '^pan:|rror' out; echo "  to see it step by step: $0 trail $model $check $flags"; }
  done
}

# control LEVEL_ASKED, rows on standard input. A search cut short by depth will do where it has found what it should.
control() {
  local level model check flags expected
  while IFS='|' read -r level model check flags expected; do
    model=$(trim "$model") check=$(trim "$check") flags=$(trim "$flags"); [ "$flags" ] || continue
    wanted "$1" "$(trim "$level")" || continue
    search "$model" "$check" "$flags" -O0 "-w20 -m20000"
    if grep -E '^pan:1: (assertion violated|non-progress)' out | grep -qF -- "$(trim "$expected")"; then
      printf 'control %-78s caught: %s\n' "$flags" "$(trim "$expected")"
    else
      printf 'control %-78s NOT caught by: %s\n' "$flags" "$(trim "$expected")"; grep -E '^pan:|errors:|rror' out; failed=1
    fi
  done
}

trail() {
  local model=${1:-} check=${2:-}
  [ -f "$models/$model.pml" ] && [[ $check =~ ^(safety|endless)$ ]] || { echo "usage: $0 trail custody|quarantine safety|endless -D..." >&2; exit 2; }
  shift 2
  # Only of a safety check is a shorter counterexample looked for.
  if [ "$check" = safety ]; then search "$model" safety "$*" "-O1 -DREACH" "-i -w22"; else search "$model" endless "$*" -O1 -w22; fi
  compgen -G '*.trail' >/dev/null || { cat out; echo "no counterexample with: $*"; return; }
  # What follows "#processes" is only where each process stood.
  spin -k ./*.trail -p -g "$@" "$models/$model.pml" | sed -E -e '/^#processes/,$d' -e '/^\s+queue [0-9]+ .*: $/d' -e "s|$models/||"
}

case "${1:-all}" in
  trail) shift; trail "$@"; exit 0 ;;
  quick | all | long) ;;
  *) echo "unknown: $1 (quick, all, long or trail)" >&2; exit 2 ;;
esac
configuration "${1:-all}" <<<"$configurations"
control "${1:-all}" <<<"$controls"
[ $failed = 0 ] && echo "the models hold, and every control is caught" || echo "the models FAIL"
exit $failed
