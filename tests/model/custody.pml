/* Custody of messages, as design section 3 has it, for exhaustive checking with Spin. run.sh checks it, README.md says how to read it.
 *
 * A sender posts N queries, each up to 1 + RETRIES times with the same id (a retry stands for a confirm that the sender did not see).
 * Gateway, ledger and router each take a message from their queue without removing it for good (unacked), do their steps, and ack last.
 * The recipient answers every delivery; the answer takes the same way. What returns to a queue is taken before or after anything else there.
 * The ledger has two queues: what the gateway hands on, and what the router reports. A ledger process, a writer, consumes both, and puts
 * both on the log through the same sequencer; each queue has a single active consumer, and for a while that may be another writer's.
 *
 * FAULTS times in all, between any two steps, one of these strikes:
 *   a process dies: what it held unacked returns to its queue, what it published or committed stays, its memory is gone;
 *   a publish loses its confirm, having happened or not: the publisher cannot know, and either publishes once more or starts again
 *     from its unacked message; of a writer, only the consumer whose publish it was starts again;
 *   a commit loses its reply, having happened: the writer cannot know, and does it once more.
 * PAUSES times, the broker takes a writer for lost (two missed heartbeats, a SIGSTOP) and lets the other one go on, while the first carries on
 *   whenever it likes from whatever step it was at. PostgreSQL may end the transaction that it sat in.
 *
 * Configurations are chosen with -D (in brackets: what is there without it):
 *   N [1] RETRIES [1] FAULTS [1]   queries, retries of each, faults
 *   SILENT [off]                   the recipient does not answer
 *   HOP_DEPTH [deep]               room in the queues ledger, reports and dispatch; a publisher waits for room
 *   GATEWAYS [1] ROUTERS [1]       instances that share a queue
 *   WRITERS [1] PAUSES [0]         ledger instances; CONNECTIONS [off]: only one of a writer's connections may be taken for lost, too
 *   MOST_FENCED [off]              how often a writer may be fenced off, in all
 *   LINED_UP [off]                 all consumers of the ledger's queues are there before the first message
 *   FLAPS [off] LAST_AWAY [0]      the inbox of queries 0 to LAST_AWAY goes away at some moment and then changes FLAPS times; odd: it is there in
 *                                  the end
 *   WITHDRAW [off]                 the sender withdraws query 0 at any moment after posting it
 *   FORWARD [off]                  the first recipient answers a query or hands it on, each time that it gets it; the next one answers. Not
 *                                  together with FLAPS
 *
 * Checked at every commit: no entry is made twice, none lands on a place of the log that is taken, no stale writer commits, and
 *   received = answered + unanswered + withdrawn + forwarded. What is received was put into that recipient's inbox.
 * Checked when nothing can move any more (no process may be stuck in the middle of its steps then):
 *   every query is recorded once, dispatched and received by each recipient that it was handed on to, and closed once, by an answer or by a
 *   withdrawal, never by both; one that is withdrawn before it is received is in nobody's figures;
 *   nothing is left parked whose inbox is there; what has no inbox is parked and listed, and all the others went past it;
 *   without a fault nothing was delivered twice, however often the sender retried.
 * Checked as "endless": there is no run that goes on for ever, in which writers fence each other off or sweeps chase each other.
 *
 * Controls: each breaks one rule of the protocol (-D and its name), and the check named in run.sh must then fail.
 *   ACK_EARLY              the gateway acks before it publishes
 *   ASSUME_CONFIRMED       an unknown outcome of a publish is taken for a confirm
 *   NO_HAND_AGAIN          a batch that comes again is not handed on again
 *   HAND_DUPLICATES        a retry in another batch is handed on again
 *   COUNT_DELIVERIES       a report that comes again counts again
 *   ONE_QUEUE              reports come in the ledger queue. With HOP_DEPTH=1 the ledger waits for room in dispatch, the router for room in
 *                          ledger, and everything stands still
 *   PARK_ACK_FIRST         the router acks before the parking queue confirms
 *   WAIT_FOR_INBOX         the router waits for an inbox instead of parking
 *   SWEEP_ON_CHANGE_ONLY   the sweep looks once at each change of an inbox, and never otherwise
 *   ACK_THROUGH_LAST       a sweep acks all that it took, its own mark and what lies behind it, too
 *   NO_MARK                a sweep does not end at what it has put back itself
 *   TWO_SWEEP              the parking queue has two consumers at a time
 *   PARKED_OVERRIDES       a late report of parking puts a dispatched message back to parked
 *   NO_FENCE               a transaction neither locks the log head nor compares it; COUNTS_ONLY leaves the place in the log unchecked
 *   NO_EPOCH               a transaction locks the log head, but does not compare its epoch
 *   KEEP_MEMORY            after a commit whose reply was lost, the writer goes on with the log head it remembers
 *   CLAIM_APART            a claim is a transaction of its own: two writers may claim in turns and neither get on
 *   EPOCH_READ_TWICE       between looking for an epoch and using it, the writer's other consumer may open and release it
 *   WITHDRAW_UNCHECKED     a withdrawal closes its query without looking whether it is closed
 *   WITHDRAW_EARLY         a withdrawal is counted before its query was received
 *   NO_DUTY                a report about a recipient that has handed the query on since passes for one about the next
 *   NO_FORWARD_AGAIN       a forward that comes again in its batch does not hand the query on again
 */
#ifndef N
#define N 1
#endif
#ifndef RETRIES
#define RETRIES 1
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef PAUSES
#define PAUSES 0
#endif
#ifndef WRITERS
#define WRITERS 1
#endif
#ifndef GATEWAYS
#define GATEWAYS 1
#endif
#ifndef ROUTERS
#define ROUTERS 1
#endif
#ifdef ONE_QUEUE
#define QUEUES 1
#else
#define QUEUES 2
#endif
#define LEDGER 0
#define REPORTS (QUEUES - 1)
#define CONSUMERS (WRITERS * QUEUES)                   /* consumer x is of writer x / QUEUES, on queue x % QUEUES             */
#define PARTNER (WRITER * QUEUES + 1 - QUEUE)          /* the writer's other consumer                                         */
#define OTHER(x) ((x + QUEUES) % CONSUMERS)            /* the other writer's consumer of the same queue                       */
#if WRITERS == 1 && !defined(EPOCH_READ_TWICE)
#define ONE_STEP
#endif
#ifndef LAST_AWAY
#define LAST_AWAY 0
#endif
#ifdef TWO_SWEEP
#define SWEEPS 2
#else
#define SWEEPS 1
#endif
#ifndef DEPTH
#define DEPTH (4 + 8 * N)                              /* deep enough that no queue is ever full: more changes no count of states */
#endif
#ifndef HOP_DEPTH
#define HOP_DEPTH DEPTH
#endif

#ifdef FORWARD
#ifdef FLAPS
#error "what is parked does not say which duty it is about: FORWARD and FLAPS exclude each other"
#endif
/* What is said of a query's duty d, its first or its second, is said as query + N * d: as services/ledger/outbound.py::forwarded and
 * the router's report have the number beside the id. */
#define DUTIES 2
#define SAID(x) ((x) % N)
#define TO_HAND (t == FORWARDING -> q + N : q)
#else
#define DUTIES 1
#define SAID(x) (x)
#define TO_HAND q
#endif

mtype = { QUERY, ANSWER, WITHDRAWAL, DISPATCHED, PARKED, FORWARDING };

/* The queues. Beside each, what was taken from it and returned. */
chan ingress       = [DEPTH] of { mtype, byte };       /* type, query                                                 */
chan ingress_back  = [4]     of { mtype, byte };
chan to_ledger[QUEUES]      = [HOP_DEPTH] of { mtype, byte, byte };    /* queues ledger and reports: type, query, batch      */
chan to_ledger_back[QUEUES] = [4] of { mtype, byte, byte };
chan dispatch      = [HOP_DEPTH] of { byte };          /* query                                                       */
chan dispatch_back = [4]     of { byte };
chan inbox         = [DEPTH] of { byte };              /* the recipient's: query                                      */
chan parking       = [4]     of { byte, byte };        /* query, which sweep put it back (0: none that goes on)        */
chan parking_back  = [4]     of { byte, byte };
byte lying[N];                                         /* copies of each query in the parking queue, unacked ones too  */
bool absent;                                           /* the inbox of queries 0 to LAST_AWAY is missing or full       */
#define AWAY(x) (absent && x <= LAST_AWAY)

byte faults = 0, pauses = 0, flaps = 0;
byte batches = 0;                                      /* batch ids given so far                                      */
bool posted[N];

/* The ledger's tables. */
byte recorded_by[N];                                   /* 0: not recorded; else the batch that did                    */
bool dispatched[N], answered[N], withdrawn[N], parked[N], withdrawal_refused[N];
byte received_total = 0, answered_total = 0, withdrawn_total = 0;
#ifdef FORWARD
byte duty[N], forwarded_by[N];                         /* which duty is the present one; the batch that recorded the forward  */
byte forwarded_total = 0, entries_forwarded[N];
bool placed_in[DUTIES * N];                            /* what was put into the inbox of which recipient              */
#endif
byte entries_recorded[N], entries_dispatched[N], entries_answered[N], entries_withdrawn[N];

/* The row of the log head: who holds its lock (0: nobody, else consumer + 1), whose turn it is, how long the log is. */
byte head_lock = 0, head_epoch = 0, head_size = 0;

/* What the broker knows of the ledger's consumers. */
#define NOBODY 255
typedef Delivery { bool held; mtype t; byte q; byte b };
Delivery unacked[CONSUMERS];
bool subscribed[CONSUMERS];
byte active_consumer[QUEUES] = NOBODY;                 /* of each queue, the single active one                        */

/* What the consumers of a writer share: services/ledger/sequencer.py::Sequencer. What it remembers of the log head since its claim (epoch 0:
 * has claimed nothing). services/ledger/head.py::lock reads the size anew in each transaction; the model asks more, that it may be remembered
 * as long as no outcome is unknown, and so may be what grows with it (the tree's edge, running totals). */
#define UNKNOWN 255
typedef Memory { byte epoch; byte size; bool busy };
Memory sequencer[WRITERS];
bool killed[CONSUMERS];                                /* its process died: it is to start again                      */
#ifdef MOST_FENCED
byte fenced = 0;
#endif
#ifdef LINED_UP
byte lined_up = 0;                                     /* consumers that are there at the start; nothing is delivered before */
#endif
#define WRITER (_pid / QUEUES)
#define QUEUE (_pid % QUEUES)

byte delivered[DUTIES * N];                            /* what each recipient saw                                     */

#define FAULT faults < FAULTS -> faults++

/* What a commit leaves behind is conserved: received = answered + unanswered + withdrawn + forwarded, the unanswered counted from the states. */
inline check_conservation() {
  i = 0; unanswered = 0;
  do
  :: i == N -> break
  :: else -> unanswered = unanswered + (dispatched[i] && !answered[i] && !withdrawn[i] -> 1 : 0); i++
  od;
#ifdef FORWARD
  assert(received_total == answered_total + unanswered + withdrawn_total + forwarded_total);
#else
  assert(received_total == answered_total + unanswered + withdrawn_total);
#endif
  i = 0; unanswered = 0
}

/* The broker closes the channel of consumer x: what it held returns, and the other writer's becomes the active one. */
inline close_channel(x) {
  if
  :: unacked[x].held ->
       to_ledger_back[x % QUEUES]!unacked[x].t(unacked[x].q, unacked[x].b);
       unacked[x].held = false; unacked[x].t = 0; unacked[x].q = 0; unacked[x].b = 0
  :: else
  fi;
  subscribed[x] = false;
  if
  :: active_consumer[x % QUEUES] == x -> active_consumer[x % QUEUES] = NOBODY;
#if WRITERS > 1
       if :: subscribed[OTHER(x)] -> active_consumer[x % QUEUES] = OTHER(x) :: else fi
#endif
  :: else
  fi
}

/* A consumer forgets what it had decided, which is read anew in each transaction; and all it knew. */
inline undecide() {
  record = false; dispatching = false; answer = false; withdraw = false; refuse = false; park = false; unpark = false; hand = false;
#ifdef FORWARD
  forward = false
#endif
}

#ifdef FORWARD
inline forget() { t = 0; q = 0; b = 0; about = 0; epoch = 0; undecide() }
#else
inline forget() { t = 0; q = 0; b = 0; epoch = 0; undecide() }
#endif

/* It leaves the sequencer to the writer's other consumer; the transaction that it was in, if any, is rolled back. */
inline leave() {
  if :: head_lock == _pid + 1 -> head_lock = 0 :: else fi;
  if :: working -> sequencer[WRITER].busy = false; working = false :: else fi
}

/* Source or sinks are lost (services/runtime/pump.py::Pump.run): a new consumer lines up, the writer's other one carries on. */
inline start_again() {
  leave();
  close_channel(_pid);
  forget()
}

/* The writer's process dies, with all its consumers. */
inline die() {
  start_again();
  sequencer[WRITER].epoch = 0; sequencer[WRITER].size = 0; sequencer[WRITER].busy = false;
#if QUEUES > 1
  if :: head_lock == PARTNER + 1 -> head_lock = 0 :: else fi;
  close_channel(PARTNER);
  killed[PARTNER] = true
#endif
}

/* services/ledger/decisions.py::decide: what a batch amounts to, from what the transaction has read. Nothing is written here. */
inline decide() {
  if
  :: t == QUERY && recorded_by[q] == 0 -> record = true; hand = true
  :: t == QUERY && recorded_by[q] == b ->               /* the same batch again: its hand-over may not have happened  */
#ifndef NO_HAND_AGAIN
#ifdef FORWARD
       hand = duty[q] == 0 && !dispatched[q] && !parked[q] && !withdrawn[q]
#else
       hand = !dispatched[q] && !parked[q]              /* what was reported as parked is in the parking queue's custody */
#endif
#endif
  :: t == QUERY && recorded_by[q] != 0 && recorded_by[q] != b ->
#ifdef HAND_DUPLICATES
       hand = !dispatched[q]
#else
       skip                                             /* a duplicate: its first copy is in custody                  */
#endif
  :: t == DISPATCHED ->
#ifdef COUNT_DELIVERIES
       dispatching = true
#elif defined(FORWARD) && !defined(NO_DUTY)
       dispatching = about == duty[q] && !dispatched[q] && !withdrawn[q]      /* services/ledger/decisions.py::_take_report */
#else
       dispatching = !dispatched[q] && !withdrawn[q]    /* services/ledger/duties.py::begin                           */
#endif
  :: t == PARKED ->
#ifdef PARKED_OVERRIDES
       park = true
#else
       park = !dispatched[q] && !parked[q] && !withdrawn[q]
#endif
  :: t == ANSWER ->                                     /* may overtake the report that its query was dispatched      */
       if
#ifdef FORWARD
       :: about != duty[q] -> skip                      /* it has handed the query on: refused                        */
       :: about == duty[q] && (withdrawn[q] || answered[q]) -> skip
#else
       :: withdrawn[q] || answered[q] -> skip           /* closed: refused                                            */
#endif
       :: else -> dispatching = !dispatched[q]; answer = true
       fi
#ifdef FORWARD
  :: t == FORWARDING ->                                 /* services/ledger/replies.py::take_reply                     */
       if
       :: forwarded_by[q] == b ->                       /* services/ledger/replies.py::hand_over_again                */
#ifdef NO_FORWARD_AGAIN
            skip
#else
            hand = !dispatched[q] && !withdrawn[q]
#endif
       :: forwarded_by[q] != b && (forwarded_by[q] != 0 || withdrawn[q] || answered[q]) -> skip     /* a duplicate; refused */
       :: else -> dispatching = !dispatched[q]; forward = true; hand = true
       fi
#endif
  :: t == WITHDRAWAL ->
#ifdef WITHDRAW_UNCHECKED
       withdraw = !withdrawn[q]
#else
       if
       :: withdrawn[q] -> skip                          /* the same withdrawal again                                  */
       :: else ->
            if
            :: recorded_by[q] == 0 || answered[q] -> refuse = true
            :: else -> withdraw = true
            fi
       fi
#endif
  fi;
  unpark = (dispatching || withdraw) && parked[q]
}

/* The COMMIT of services/ledger/sequencer.py::Sequencer.take: what was decided is written, with the counters, as entries of the log. */
inline write() {
#if !defined(NO_FENCE) && !defined(NO_EPOCH)
  if :: epoch == head_epoch + 1 -> head_epoch = epoch :: else fi;      /* a claim, good from its commit on           */
  assert(epoch == head_epoch);                          /* a stale writer commits nothing                             */
#endif
#ifndef COUNTS_ONLY
  assert(sequencer[WRITER].size == head_size);                            /* no place of the log is given twice                         */
#endif
  if :: record -> recorded_by[q] = b; entries_recorded[q]++; head_size++; sequencer[WRITER].size++ :: else fi;
  if
  :: dispatching ->
#ifdef FORWARD
       assert(placed_in[q + N * duty[q]]);
#endif
       dispatched[q] = true; received_total++; entries_dispatched[q]++; head_size++; sequencer[WRITER].size++
  :: else
  fi;
  if :: unpark -> parked[q] = false :: else fi;
  if :: park -> parked[q] = true; head_size++; sequencer[WRITER].size++ :: else fi;
  if :: answer -> answered[q] = true; answered_total++; entries_answered[q]++; head_size++; sequencer[WRITER].size++ :: else fi;
  if
  :: withdraw ->
       withdrawn[q] = true; entries_withdrawn[q]++; head_size++; sequencer[WRITER].size++;
#ifdef WITHDRAW_EARLY
       withdrawn_total++
#else
       if :: dispatched[q] -> withdrawn_total++ :: else fi
#endif
  :: else
  fi;
#ifdef FORWARD
  if
  :: forward ->                                         /* services/ledger/duties.py::hand_on                         */
       duty[q] = 1; forwarded_by[q] = b; dispatched[q] = false;
       forwarded_total++; entries_forwarded[q]++; head_size++; sequencer[WRITER].size++
  :: else
  fi;
  forward = false;
  assert(entries_forwarded[q] <= 1 && entries_recorded[q] <= 1 && entries_dispatched[q] <= 1 + duty[q]);
#else
  assert(entries_recorded[q] <= 1 && entries_dispatched[q] <= 1);
#endif
  if :: refuse -> withdrawal_refused[q] = true; head_size++; sequencer[WRITER].size++ :: else fi;
  assert(entries_answered[q] + entries_withdrawn[q] <= 1);
  check_conservation();
  record = false; dispatching = false; answer = false; withdraw = false; refuse = false; park = false; unpark = false
}

inline take_in_hand() {
  unacked[_pid].held = true; unacked[_pid].t = t; unacked[_pid].q = q; unacked[_pid].b = b;
#ifdef FORWARD
  about = q / N; q = SAID(q)
#endif
}

/* services/ledger/intake.py::LedgerIntake.handle, once for each queue of each writer (the first processes: see WRITER and QUEUE). */
active [CONSUMERS] proctype consumer() {
  mtype t; byte q, b;
  byte epoch = 0, before = 0;                           /* of the transaction that it is in; what the log's size was  */
  bool working;
  bool record, dispatching, answer, withdraw, refuse, park, unpark, hand;
#ifdef FORWARD
  byte about; bool forward;                             /* which duty it is about                                     */
#endif
  byte i, unanswered;
opening:
  {
  atomic {
    subscribed[_pid] = true;
    sequencer[WRITER].epoch = 0;                        /* services/ledger/sequencer.py::Sequencer.release            */
#ifdef LINED_UP
    if :: lined_up < CONSUMERS -> lined_up++ :: else fi;
#endif
    if :: active_consumer[QUEUE] == NOBODY -> active_consumer[QUEUE] = _pid :: else fi
  };
end:
#ifdef ONE_STEP
  atomic {                                              /* Nobody else looks at the tables: one step is enough.       */
#endif
#ifdef LINED_UP
  lined_up == CONSUMERS;
end_lined_up:
#endif
  /* The single active consumer is delivered the next message, unacked. */
  if
  :: atomic { active_consumer[QUEUE] == _pid && nempty(to_ledger[QUEUE]) -> to_ledger[QUEUE]?t(q, b); take_in_hand() }
  :: atomic { active_consumer[QUEUE] == _pid && nempty(to_ledger_back[QUEUE]) -> to_ledger_back[QUEUE]?t(q, b); take_in_hand() }
  :: atomic { !subscribed[_pid] -> forget(); goto opening }
  fi;

transact:
  /* services/ledger/sequencer.py::Sequencer.take: one of the writer's consumers at a time. The transaction begins with
   * services/ledger/head.py::lock, for the writer's own epoch, or with services/ledger/head.py::claim, which takes the next epoch: only who was
   * delivered something does. Both wait while another transaction has the log head locked. */
#if defined(CLAIM_APART) || defined(NO_FENCE)
  atomic { !sequencer[WRITER].busy -> sequencer[WRITER].busy = true; working = true; epoch = sequencer[WRITER].epoch };
#endif
#ifdef CLAIM_APART
  if
  :: epoch == 0 ->
       atomic { head_lock == 0 -> head_epoch++; epoch = head_epoch; sequencer[WRITER].epoch = epoch; sequencer[WRITER].size = head_size }
  :: else
  fi;
#endif
#ifdef NO_FENCE
  sequencer[WRITER].size = head_size;
  d_step { decide() };
#else
#ifdef CLAIM_APART
  atomic { head_lock == 0 ->
#else
  atomic { head_lock == 0 && !sequencer[WRITER].busy ->
       sequencer[WRITER].busy = true; working = true; epoch = sequencer[WRITER].epoch;
#endif
#ifdef EPOCH_READ_TWICE
       epoch = sequencer[WRITER].epoch;
#endif
       if
#ifdef NO_EPOCH
       :: head_lock = _pid + 1
#else
#ifndef CLAIM_APART
       :: epoch == 0 -> head_lock = _pid + 1; epoch = head_epoch + 1; sequencer[WRITER].size = head_size
#endif
       :: epoch != 0 && epoch == head_epoch -> head_lock = _pid + 1
       :: else ->                                       /* services/ledger/head.py::FencedError: another has claimed since */
#ifdef MOST_FENCED
            fenced++; assert(fenced <= MOST_FENCED);
#endif
            goto losing
#endif
       fi;
       if :: sequencer[WRITER].size == UNKNOWN -> sequencer[WRITER].size = head_size :: else fi;
       decide() };
#endif

  /* COMMIT. */
  if
#ifdef NO_FENCE
  :: atomic { true ->
#else
  /* PostgreSQL ended the session meanwhile. services/ledger/waiting.py::Patience.until_there: once more, the batch still in hand. */
  :: atomic { head_lock != _pid + 1 -> undecide(); leave(); sequencer[WRITER].size = UNKNOWN; goto transact }
  :: atomic { head_lock == _pid + 1 ->
#endif
       before = sequencer[WRITER].size; write(); leave();
       if
       :: sequencer[WRITER].epoch = epoch; before = 0
       :: FAULT;                                        /* its reply is lost: once more                               */
#ifdef KEEP_MEMORY
            sequencer[WRITER].size = before;
#else
            sequencer[WRITER].size = UNKNOWN;
#endif
            before = 0; hand = false; goto transact
       fi }
#ifndef ONE_STEP
  :: atomic { FAULT; goto dying }
#endif
  fi;
#ifdef ONE_STEP
  if
  :: !hand -> goto acking                               /* nobody sees how much later it acks                         */
  :: else
  fi
  };
#endif

  /* services/ledger/handover.py::dispatches: after the commit, and only then, to the router. A report calls for none. */
handover:
  if
  :: atomic { hand -> dispatch!TO_HAND }
  :: atomic { hand && faults < FAULTS -> faults++; dispatch!TO_HAND; goto handover }   /* confirm lost: published once more  */
#ifdef ASSUME_CONFIRMED
  :: atomic { hand && faults < FAULTS -> faults++ }
#endif
  :: atomic { FAULT; goto losing }      /* SinkLost, before the publish                               */
  :: atomic { FAULT; goto dying }
  :: !hand
  fi;

acking:
  if
  :: atomic { unacked[_pid].held ->
       unacked[_pid].held = false; unacked[_pid].t = 0; unacked[_pid].q = 0; unacked[_pid].b = 0;
#ifdef FORWARD
       about = 0;
#endif
       t = 0; q = 0; b = 0; epoch = 0; hand = false; goto end }
  :: atomic { !unacked[_pid].held -> goto losing }     /* the channel it came on is gone             */
  :: atomic { FAULT; goto losing }      /* lost the confirm                                           */
  :: atomic { FAULT; goto dying }
  fi

losing:
  atomic { start_again(); goto opening };
dying:
  atomic { die(); goto opening }
  } unless { atomic { killed[_pid] -> killed[_pid] = false; working = false; forget() } };
  goto opening
}

#if PAUSES > 0
/* The broker takes a writer, or one of its connections, for lost that is still there; PostgreSQL ends the transaction of a session that says
 * nothing. */
#define PAUSE(x) pauses < PAUSES && subscribed[x]
active proctype heartbeat() {
  byte ended = 0;                                       /* sessions                                                   */
end:
  do
#ifdef CONNECTIONS                                       /* Writers are alike: the first pause is writer 0's.          */
  :: atomic { PAUSE(0) -> pauses++; close_channel(0) }
  :: atomic { PAUSE(1) -> pauses++; close_channel(1) }
  :: atomic { PAUSE(2) && pauses > 0 -> pauses++; close_channel(2) }
  :: atomic { PAUSE(3) && pauses > 0 -> pauses++; close_channel(3) }
#endif
  :: atomic { PAUSE(0) && subscribed[1] -> pauses++; close_channel(0); close_channel(1) }
  :: atomic { PAUSE(2) && subscribed[3] && pauses > 0 -> pauses++; close_channel(2); close_channel(3) }
  :: atomic { head_lock != 0 && !subscribed[head_lock - 1] && ended < pauses -> ended++; head_lock = 0 }
  od
}
#endif

active proctype sender() {
  byte q = 0, tries = 0;
  do
  :: q == N -> break
  :: q < N && tries <= RETRIES -> atomic { ingress!QUERY(q); posted[q] = true; tries++ }
  :: q < N && tries > 0 -> atomic { q++; tries = 0 }
  od
}

#ifdef WITHDRAW
active proctype withdrawer() {
  atomic { posted[0] -> ingress!WITHDRAWAL(0) }
}
#endif

/* services/gateway/ingress.py::AMQPIngress.handle: each time a message is taken it goes into a new batch. */
active [GATEWAYS] proctype gateway() {
#if GATEWAYS == 1
  xr ingress; xr ingress_back;
#endif
  mtype t = 0; byte q = 0, b = 0;
end:
  if
  :: atomic { ingress?t(q) -> batches++; b = batches }
  :: atomic { ingress_back?t(q) -> batches++; b = batches }
  fi;
publish:
  if
  :: to_ledger[LEDGER]!t(q, b)
  :: atomic { FAULT; to_ledger[LEDGER]!t(q, b); goto publish }     /* confirm lost: published once more, as the same batch       */
#ifdef ACK_EARLY
  :: atomic { FAULT; t = 0; q = 0; b = 0; goto end }
#else
  :: atomic { FAULT; ingress_back!t(q); t = 0; q = 0; b = 0; goto end }
#endif
#ifdef ASSUME_CONFIRMED
  :: atomic { FAULT }
#endif
  fi;
  if
  :: atomic { true -> t = 0; q = 0; b = 0; goto end }   /* ack                                                        */
#ifndef ACK_EARLY
  :: atomic { FAULT; ingress_back!t(q); t = 0; q = 0; b = 0; goto end }   /* died, or lost the confirm               */
#endif
  fi
}

#ifdef FORWARD
#define IN_INBOX placed_in[q] = true
#else
#define IN_INBOX skip
#endif

/* services/router/dispatch.py::Dispatching.handle: to the inbox, or to parking, and then the report. */
active [ROUTERS] proctype router() {
#if ROUTERS == 1
  xr dispatch; xr dispatch_back;
#endif
  byte q = 0; mtype report = 0;
end:
  if
  :: dispatch?q
  :: dispatch_back?q
  fi;
place:
  if
  :: atomic { !AWAY(q) -> inbox!q; IN_INBOX; report = DISPATCHED }
  :: atomic { !AWAY(q) && faults < FAULTS -> faults++; inbox!q; IN_INBOX; goto place }   /* confirm lost: published once more  */
#ifdef ASSUME_CONFIRMED
  :: atomic { FAULT; report = DISPATCHED }
#endif
#ifndef WAIT_FOR_INBOX
  :: AWAY(q) -> goto park                             /* returned or refused by the broker                          */
#endif
  :: atomic { FAULT; dispatch_back!q; q = 0; goto end }
  fi;
  goto tell;
park:                                                   /* The inbox may come back before the message is parked.      */
  if
  :: atomic { true -> parking!q(0); lying[SAID(q)]++; report = PARKED }
  :: atomic { FAULT; parking!q(0); lying[SAID(q)]++; goto park }          /* confirm lost: published once more                          */
#ifdef PARK_ACK_FIRST
  :: atomic { FAULT; q = 0; goto end }
#else
  :: atomic { FAULT; dispatch_back!q; q = 0; goto end }
#endif
  fi;
tell:
  if
  :: to_ledger[REPORTS]!report(q, 0)
  :: atomic { FAULT; to_ledger[REPORTS]!report(q, 0); goto tell }   /* confirm lost: published once more                          */
  :: atomic { FAULT; dispatch_back!q; q = 0; report = 0; goto end }
  fi;
  if
  :: atomic { true -> q = 0; report = 0; goto end }     /* ack                                                        */
  :: atomic { FAULT; dispatch_back!q; q = 0; report = 0; goto end }
  fi
}

#ifdef FLAPS
bool changed = false;
#define MARK (1 + _pid % 2)
bool sweeping = false;                                 /* the parking queue has its single active consumer            */

/* What sweep has in hand goes back to where it lay. */
inline put_down(from) {
  i = from;
  do
  :: i < taken -> parking_back!in_hand[i].q(in_hand[i].mark); in_hand[i].q = 0; in_hand[i].mark = 0; i++
  :: else -> break
  od;
  i = 0
}

/* No message carries this sweep's mark yet: it is a new one each time. */
inline new_mark() {
  i = len(parking);
  do
  :: i > 0 -> parking?q(mark); parking!q((mark == MARK -> 0 : mark)); i--
  :: else -> break
  od;
  i = len(parking_back);
  do
  :: i > 0 -> parking_back?q(mark); parking_back!q((mark == MARK -> 0 : mark)); i--
  :: else -> break
  od;
  q = 0; mark = 0
}

typedef Lying { byte q; byte mark };
#define PLACEABLE ((lying[0] > 0 && !AWAY(0)) || (N > 1 && lying[N - 1] > 0 && !AWAY(N - 1)))

/* services/router/parking.py::Parking.sweep, up to two messages at a time: places them or puts them back at the end with its mark, and ends at
 * the first that carries it. One begins whenever something might be placed (in the code: at a nudge, and every interval_s). */
active [SWEEPS] proctype sweep() {
  byte q, mark, i, taken = 0, waiting = 0, placed = 0;
  Lying in_hand[2];
  bool sent[2];
end:
  atomic {
#ifdef SWEEP_ON_CHANGE_ONLY
    changed && !sweeping -> changed = false; sweeping = true;
#elif defined(TWO_SWEEP)
    PLACEABLE;
#else
    PLACEABLE && !sweeping -> sweeping = true;
#endif
    new_mark()
  };
next:
  /* A batch, of which only what stands before the first mark is tried and acked. */
  atomic {
    if
    :: nempty(parking_back) -> parking_back?in_hand[0].q(in_hand[0].mark)
    :: nempty(parking) -> parking?in_hand[0].q(in_hand[0].mark)
    :: empty(parking_back) && empty(parking) -> goto over
    fi;
    taken = 1;
    if
    :: nempty(parking) -> parking?in_hand[1].q(in_hand[1].mark); taken = 2
    :: true
    fi;
#ifdef NO_MARK
    waiting = taken;
#else
    if
    :: in_hand[0].mark == MARK -> waiting = 0
    :: in_hand[0].mark != MARK && taken == 2 && in_hand[1].mark != MARK -> waiting = 2
    :: else -> waiting = 1
    fi;
#endif
    if :: waiting == 0 -> put_down(0); taken = 0; goto over :: else fi
  };
#define INTERRUPTED put_down(0); taken = 0; waiting = 0; placed = 0; sent[0] = false; sent[1] = false; goto over
  /* services/router/placing.py::Placing.place */
  do
  :: atomic { placed < waiting ->
       if
       :: !AWAY(in_hand[placed].q) -> inbox!in_hand[placed].q; sent[placed] = true
       :: AWAY(in_hand[placed].q) -> parking!in_hand[placed].q(MARK); lying[in_hand[placed].q]++
       fi;
       placed++ }
  :: atomic { placed == waiting -> placed = 0; break }
  :: atomic { FAULT; INTERRUPTED }
  od;
  /* services/router/placing.py::Placing.report */
  do
  :: placed < waiting && sent[placed] -> to_ledger[REPORTS]!DISPATCHED(in_hand[placed].q, 0); sent[placed] = false
  :: atomic { placed < waiting && !sent[placed] -> placed++ }
  :: atomic { placed == waiting -> placed = 0; break }
  :: atomic { FAULT; INTERRUPTED }
  od;
  /* The ack, of a true prefix. */
  if
  :: atomic { true ->
#ifdef ACK_THROUGH_LAST
       waiting = taken;
#endif
       do
       :: placed < waiting -> lying[in_hand[placed].q]--; in_hand[placed].q = 0; in_hand[placed].mark = 0; placed++
       :: else -> break
       od;
       placed = 0;
       if
       :: waiting < taken -> put_down(waiting); taken = 0; waiting = 0; goto over
       :: else -> taken = 0; waiting = 0; goto next
       fi }
  :: atomic { FAULT; INTERRUPTED }
  fi;
over:
  atomic { sweeping = false; goto end }
}

/* The inbox goes and comes: a participant is disabled or added, an inbox fills or is read. */
active proctype world() {
  atomic { absent = true };
end:
  do
  :: atomic { flaps < FLAPS -> flaps++; absent = !absent; changed = true }
  od
}
#endif

active proctype recipient() {
  xr inbox;
  byte q = 0;
end:
  do
#ifdef SILENT
  :: atomic { inbox?q -> delivered[q]++; q = 0 }
#elif defined(FORWARD)
  :: atomic { inbox?q -> delivered[q]++; ingress!ANSWER(q); q = 0 }
  :: atomic { inbox?q ->
       delivered[q]++;
       if
       :: q < N -> ingress!FORWARDING(q)
       :: else -> ingress!ANSWER(q)
       fi;
       q = 0 }
#else
  :: atomic { inbox?q -> delivered[q]++; ingress!ANSWER(q); q = 0 }              /* answers the second time too        */
#endif
  od
}

active proctype auditor() {
  byte q = 0;
  timeout ->                                            /* nothing can move any more                                  */
  do
  :: q == N -> break
  :: else ->
     assert(entries_recorded[q] == 1);
     if
     :: withdrawn[q] && !dispatched[q] -> assert(!parked[q] && entries_answered[q] == 0 && entries_withdrawn[q] == 1)
     :: !withdrawn[q] && AWAY(q) && !dispatched[q] -> assert(lying[q] > 0 && parked[q])         /* waits for its inbox, and is listed */
     :: else ->
#ifdef FORWARD
          assert(dispatched[q] && entries_dispatched[q] == 1 + duty[q]);
          assert(entries_forwarded[q] == duty[q] && delivered[q + N * duty[q]] >= 1);
          assert(faults + pauses > 0 || delivered[q + N] <= 1);
#else
          assert(dispatched[q] && entries_dispatched[q] == 1);
#endif
          assert(delivered[q] >= 1);
#ifndef SILENT
          assert(entries_answered[q] + entries_withdrawn[q] == 1);
#endif
          assert(!parked[q]);
          assert(AWAY(q) || lying[q] == 0)
     fi;
     assert(faults + pauses > 0 || delivered[q] <= 1);
#ifdef WITHDRAW
     assert(q > 0 || withdrawn[q] || withdrawal_refused[q])
#endif
     q++
  od
}
