/* Quarantine, for exhaustive checking with Spin: one record kills its consumer every time, and no other is to suffer for it.
 *
 * Two batches lie on one of the exchange's internal queues, and with the poisonous record in the first of them is an innocent one. A process
 * has up to two batches in hand and puts them on the ledger, one or both in a transaction; hands over; acks: custody.pml has these steps, and
 * here they are the events of one loop, in any order that there can be. When it comes to the poisonous record the process dies, and whatever
 * it has in hand comes back, counted once more. What comes back more than LIMIT times the broker passes on: from the queue to its quarantine,
 * from there to the dead letters. In quarantine one message is in hand; a batch is cut into pieces, which go to the end of the same queue.
 * A process that begins opens the queue only when it has found its quarantines empty.
 *
 *   LIMIT [2] FAULTS [0]   how often a message may come back; deaths at any moment for which no message is to blame
 *   OTHER_QUEUE [off]      an innocent piece comes to the quarantine of another queue of the same process (ledger and reports are such two)
 *   IN_TURN [off]          a process opens that quarantine only when it has found the first one empty
 *   POISON_AGAIN [off]     its sender posts the poisonous record again, at any moment
 *
 * Checked: no more than MOST_DEATHS deaths; at the end every innocent record is recorded once, was handed over, and is not set aside, and the
 * poisonous one is set aside and not recorded.
 *
 * Controls, with the check in run.sh that must then fail:
 *   NO_QUARANTINE          what comes back too often goes straight to the dead letters
 *   NOT_ALONE              two messages are in hand in quarantine, too
 *   NOT_CUT_UP             a batch is tried as it is
 *   RENAMED                a piece has a batch id of its own: where its batch was committed but not handed over, it is taken for a duplicate
 *   NO_TRIALS              a process opens its queues together with their quarantines
 * and OTHER_QUEUE, which shows what is not guaranteed without IN_TURN: README.md.
 */
#ifndef LIMIT
#define LIMIT 2
#endif
#ifndef FAULTS
#define FAULTS 0
#endif
#ifdef POISON_AGAIN
#define POISONS 2
#else
#define POISONS 1
#endif
/* A death that the batch being cut up is not to blame for leaves its pieces twice. */
#define MOST_DEATHS (POISONS * 2 * (LIMIT + 1) + (POISONS - 1 + FAULTS) * (LIMIT + 2))

#define POISON 1                                       /* records are bits                                            */
#ifdef OTHER_QUEUE
#define INNOCENT (2 + 4 + 8)
#else
#define INNOCENT (2 + 4)
#endif
#define RECORDS 4
#define PIECE 16                                       /* added to the batch id of a piece                            */

/* The queues; beside each what came back to it, which is delivered before or after anything else there. */
#define MAIN 0
#define QUARANTINE 1
#define OTHER 2
chan queue[3]      = [12] of { byte, byte, byte };     /* records, batch, how often it came back                       */
chan queue_back[3] = [12] of { byte, byte, byte };

chan passed_on     = [6] of { byte, byte };            /* on its way to quarantine: the broker takes its time         */

/* services/runtime/trials.py::Trials: which quarantines this process has found empty once. */
bool tried[3];
#ifdef NO_TRIALS
#define MAY_OPEN(k) true
#elif defined(IN_TURN)
#define MAY_OPEN(k) (k == QUARANTINE || (tried[QUARANTINE] && (k == OTHER || tried[OTHER])))
#else
#define MAY_OPEN(k) (k != MAIN || (tried[QUARANTINE] && tried[OTHER]))
#endif

/* What the process has in hand, unacked: slots 0 and 1 of MAIN, 2 (and 3) of QUARANTINE, 4 of OTHER. */
mtype = { NONE, TAKEN, COMMITTED, HANDED_OVER };
typedef Slot { mtype step; byte records; byte batch; byte returns; byte hand };
Slot in_hand[5];

byte recorded_by[RECORDS];                             /* 0: not recorded; else the batch that did, and one            */
byte entries[RECORDS];
byte handed_over = 0, set_aside = 0, deaths = 0, faults = 0;

inline clear(s) {
  in_hand[s].step = NONE; in_hand[s].records = 0; in_hand[s].batch = 0; in_hand[s].returns = 0; in_hand[s].hand = 0
}

inline take(k, s) {
  if
  :: nempty(queue[k]) -> queue[k]?in_hand[s].records, in_hand[s].batch, in_hand[s].returns
  :: nempty(queue_back[k]) -> queue_back[k]?in_hand[s].records, in_hand[s].batch, in_hand[s].returns
  fi;
  in_hand[s].step = TAKEN
}
#define EMPTY(k) (empty(queue[k]) && empty(queue_back[k]))
#define MAY_TAKE(k, s) (MAY_OPEN(k) && in_hand[s].step == NONE && (nempty(queue[k]) || nempty(queue_back[k])))

/* Back to queue k, or on by services/runtime/topology.py::core_topology. Dead letters: services/ledger/set_aside.py::SettingAside.handle. */
inline come_back(k, s) {
  if
  :: in_hand[s].step == NONE
  :: in_hand[s].step != NONE && in_hand[s].returns < LIMIT ->
       queue_back[k]!in_hand[s].records, in_hand[s].batch, in_hand[s].returns + 1
#ifndef NO_QUARANTINE
  :: in_hand[s].step != NONE && in_hand[s].returns == LIMIT && k == MAIN ->
       passed_on!in_hand[s].records, in_hand[s].batch
  :: in_hand[s].step != NONE && in_hand[s].returns == LIMIT && k != MAIN ->
#else
  :: in_hand[s].step != NONE && in_hand[s].returns == LIMIT ->
#endif
       set_aside = set_aside | in_hand[s].records
  fi;
  clear(s)
}

/* The process dies; the next one begins. */
inline die() {
  deaths++;
  assert(deaths <= MOST_DEATHS);
  come_back(MAIN, 0); come_back(MAIN, 1); come_back(QUARANTINE, 2); come_back(QUARANTINE, 3); come_back(OTHER, 4);
  tried[QUARANTINE] = false; tried[OTHER] = false
}

/* services/ledger/sequencer.py::Sequencer.take, unless there is poison in it: then the process dies before it commits. */
inline put_on_the_ledger(s) {
  r = 0;
  do
  :: r < RECORDS ->
       if
       :: (in_hand[s].records & (1 << r)) && recorded_by[r] == 0 ->
            recorded_by[r] = in_hand[s].batch % PIECE + 1; entries[r]++; in_hand[s].hand = in_hand[s].hand | (1 << r)
       :: (in_hand[s].records & (1 << r)) && recorded_by[r] == in_hand[s].batch % PIECE + 1 -> /* the same batch again          */
            in_hand[s].hand = in_hand[s].hand | (1 << r)
       :: else                                         /* not in it, or a duplicate                                   */
       fi;
       r++
  :: r == RECORDS -> break
  od;
  r = 0;
  in_hand[s].step = COMMITTED
}

/* services/ledger/intake.py::split_ledger_batch: each piece under the id of its batch. */
inline cut_up(s) {
  r = 0;
  do
  :: r < RECORDS ->
       if
       :: in_hand[s].records & (1 << r) ->
#ifdef RENAMED
            queue[QUARANTINE]!(1 << r), PIECE + 8 + r, 0
#else
            queue[QUARANTINE]!(1 << r), PIECE + in_hand[s].batch, 0
#endif
       :: else
       fi;
       r++
  :: r == RECORDS -> break
  od;
  r = 0;
  in_hand[s].step = HANDED_OVER
}

/* Any of the first n slots that is at this step. */
#define AT(x, n, i) (i < n && in_hand[i].step == x)
#define STEP(x, n) (AT(x, n, 0) || AT(x, n, 1) || AT(x, n, 2) || AT(x, n, 3) || AT(x, n, 4))
inline pick(x, n) {
  if
  :: AT(x, n, 0) -> s = 0
  :: AT(x, n, 1) -> s = 1
  :: AT(x, n, 2) -> s = 2
  :: AT(x, n, 3) -> s = 3
  :: AT(x, n, 4) -> s = 4
  fi
}

/* services/runtime/pump.py::Pump.run, of all the queues of the process; it begins anew after each death. */
active proctype process() {
  byte r = 0, s = 0;
#ifdef POISON_AGAIN
  bool again = false;
#endif
#ifdef OTHER_QUEUE
  bool other = false;
#endif
  d_step {
    do :: s < 5 -> in_hand[s].step = NONE; s++ :: else -> break od; s = 0;
    queue[MAIN]!(POISON + 2), 0, 0;
    queue[MAIN]!4, 1, 0
  };
events:
  do
  :: atomic { MAY_TAKE(MAIN, 0) -> take(MAIN, 0) }
  :: atomic { MAY_TAKE(MAIN, 1) -> take(MAIN, 1) }
  :: atomic { MAY_TAKE(QUARANTINE, 2) -> take(QUARANTINE, 2) }
#ifdef NOT_ALONE
  :: atomic { MAY_TAKE(QUARANTINE, 3) -> take(QUARANTINE, 3) }
#endif
  :: atomic { MAY_TAKE(OTHER, 4) -> take(OTHER, 4) }

  :: atomic { nempty(passed_on) -> passed_on?r, s; queue[QUARANTINE]!r, s, 0; r = 0; s = 0 }
  :: atomic { !tried[QUARANTINE] && EMPTY(QUARANTINE) && in_hand[2].step == NONE && in_hand[3].step == NONE -> tried[QUARANTINE] = true }
  :: atomic { !tried[OTHER] && MAY_OPEN(OTHER) && EMPTY(OTHER) && in_hand[4].step == NONE -> tried[OTHER] = true }

  /* Of the queue itself, a batch of deliveries is one of them, or both. */
  :: atomic { in_hand[0].step == TAKEN && in_hand[1].step == TAKEN ->
       if :: (in_hand[0].records | in_hand[1].records) & POISON -> goto death :: else fi;
       put_on_the_ledger(0); put_on_the_ledger(1) }
  :: atomic { STEP(TAKEN, 2) -> pick(TAKEN, 2);
       if :: in_hand[s].records & POISON -> goto death :: else fi;
       put_on_the_ledger(s); s = 0 }

  /* services/runtime/quarantine.py::Quarantine.handle */
  :: atomic { in_hand[2].step == TAKEN || in_hand[3].step == TAKEN || in_hand[4].step == TAKEN ->
       if :: in_hand[2].step == TAKEN -> s = 2 :: in_hand[3].step == TAKEN -> s = 3 :: in_hand[4].step == TAKEN -> s = 4 fi;
       if
#ifndef NOT_CUT_UP
       :: in_hand[s].batch < PIECE -> cut_up(s)
#endif
       :: else ->
            if :: in_hand[s].records & POISON -> goto death :: else fi;
            put_on_the_ledger(s)
       fi;
       s = 0 }

  /* The hand-over, and then the ack. */
  :: atomic { STEP(COMMITTED, 5) -> pick(COMMITTED, 5);
       handed_over = handed_over | in_hand[s].hand; in_hand[s].hand = 0; in_hand[s].step = HANDED_OVER; s = 0 }
  :: atomic { STEP(HANDED_OVER, 5) -> pick(HANDED_OVER, 5); clear(s); s = 0 }

  :: atomic { faults < FAULTS && (in_hand[0].step != NONE || in_hand[1].step != NONE || in_hand[2].step != NONE) -> faults++; goto death }
#ifdef POISON_AGAIN
  :: atomic { !again -> again = true; queue[MAIN]!POISON, 3, 0 }
#endif
#ifdef OTHER_QUEUE
  :: atomic { !other -> other = true; queue[OTHER]!8, PIECE + 2, 0 }
#endif
  :: else -> break
  od;
  /* Nothing is left to do. */
  do
  :: s == RECORDS -> break
  :: s < RECORDS && !(INNOCENT & (1 << s)) -> s++
  :: s < RECORDS && (INNOCENT & (1 << s)) ->
       assert(!(set_aside & (1 << s)));
       assert(entries[s] == 1);
       assert(handed_over & (1 << s));
       s++
  od;
  assert((set_aside & POISON) && entries[0] == 0);
  goto over;

death:
  atomic { die(); s = 0; goto events };
over:
  skip
}
