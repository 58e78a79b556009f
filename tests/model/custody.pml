/* Custody of messages, as design section 3 has it, for exhaustive checking with Spin. run.sh checks it, README.md says how to read it.
 *
 * A sender posts N queries, each up to 1 + RETRIES times with the same id (a retry stands for a confirm that the sender did not see).
 * Gateway, ledger and router each take a message from their queue without removing it for good (unacked), do their steps, and ack last.
 * The recipient answers every delivery; the answer takes the same way. What returns to a queue is taken before or after anything else there.
 *
 * FAULTS times in all, between any two steps, one of these strikes a process:
 *   it dies: what it held unacked returns to its queue, what it published or committed stays, its memory is gone;
 *   a publish loses its confirm, having happened or not: the publisher cannot know, and either publishes once more or starts again
 *     from its unacked message;
 *   a commit loses its reply, having happened or not: the writer cannot know, forgets the log head and starts again.
 * PAUSES times, the broker takes a ledger writer for lost (two missed heartbeats, a SIGSTOP) and lets the other one go on, while the first
 *   carries on whenever it likes from whatever step it was at. PostgreSQL may end the transaction that it sat in.
 *
 * Configurations are chosen with -D (in brackets: what is there without it):
 *   N [1] RETRIES [1] FAULTS [1]   queries, retries of each, faults
 *   GATEWAYS [1] ROUTERS [1]       instances that share a queue
 *   WRITERS [1] PAUSES [0]         ledger instances behind the single active consumer
 *   FLAPS [off]                    query 0's inbox goes away at some moment and then changes FLAPS times; odd: it is there in the end
 *   WITHDRAW [off]                 the sender withdraws query 0 at any moment after posting it
 *
 * Checked at every commit: no entry is made twice, none lands on a place of the log that is taken, no stale writer commits, and
 *   received = answered + unanswered + withdrawn.
 * Checked when nothing can move any more (no process may be stuck in the middle of its steps then):
 *   every query is recorded once, dispatched, received, and closed once, by an answer or by a withdrawal, never by both;
 *   nothing is left parked whose inbox is there; what has no inbox is parked and listed, and all the others went past it;
 *   without a fault nothing was delivered twice, however often the sender retried.
 *
 * Controls: each breaks one rule of the protocol (-D and its name), and the check named in run.sh must then fail.
 *   ACK_EARLY              the gateway acks before it publishes
 *   ASSUME_CONFIRMED       an unknown outcome of a publish is taken for a confirm
 *   NO_HAND_AGAIN          a batch that comes again is not handed on again
 *   HAND_DUPLICATES        a retry in another batch is handed on again
 *   COUNT_DELIVERIES       a report that comes again counts again
 *   PARK_ACK_FIRST         the router acks before the parking queue confirms
 *   WAIT_FOR_INBOX         the router waits for an inbox instead of parking
 *   SWEEP_ON_CHANGE_ONLY   the sweep looks once at each change of an inbox, and never otherwise
 *   PARKED_OVERRIDES       a late report of parking puts a dispatched message back to parked
 *   NO_FENCE               a transaction neither locks the log head nor compares it; COUNTS_ONLY leaves the place in the log unchecked
 *   NO_EPOCH               a transaction locks the log head, but does not compare its epoch
 *   KEEP_MEMORY            after a commit whose reply was lost, the writer goes on with the log head it remembers
 *   WITHDRAW_UNCHECKED     a withdrawal closes its query without looking whether it is closed
 *   WITHDRAW_EARLY         a withdrawal is counted before its query was received
 *   HOP_DEPTH=1            queues ledger and dispatch so small that both fill: the ledger waits for room in dispatch, the router for room in
 *                          ledger, and everything stands still. Nothing but their size keeps the exchange from it
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
#ifndef DEPTH
#define DEPTH (4 + 8 * N)                              /* deep enough that no queue is ever full: more changes no count of states */
#endif
#ifndef HOP_DEPTH
#define HOP_DEPTH DEPTH                                /* of ledger and dispatch; a publisher waits while its queue is full            */
#endif

mtype = { QUERY, ANSWER, WITHDRAWAL, DISPATCHED, PARKED };

/* The queues. Beside each, what was taken from it and returned. */
chan ingress       = [DEPTH] of { mtype, byte };       /* type, query                                                 */
chan ingress_back  = [4]     of { mtype, byte };
chan ledger        = [HOP_DEPTH] of { mtype, byte, byte }; /* type, query, batch                                          */
chan ledger_back   = [4]     of { mtype, byte, byte };
chan dispatch      = [HOP_DEPTH] of { byte };              /* query                                                       */
chan dispatch_back = [4]     of { byte };
chan inbox         = [DEPTH] of { byte };              /* the recipient's: query                                      */
byte parking[N];                                       /* copies of each query in the parking queue                   */
bool absent[N];                                        /* its inbox is missing or full                                */

byte faults = 0, pauses = 0, flaps = 0;
byte batches = 0;                                      /* batch ids given so far                                      */
bool posted[N];

/* The ledger's tables. */
byte recorded_by[N];                                   /* 0: not recorded; else the batch that did                    */
bool dispatched[N], answered[N], withdrawn[N], parked[N], withdrawal_refused[N];
byte received_total = 0, answered_total = 0, withdrawn_total = 0;
byte entries_recorded[N], entries_dispatched[N], entries_answered[N], entries_withdrawn[N];

/* The row of the log head: who holds its lock (0: nobody, else writer + 1), whose turn it is, how long the log is. */
byte head_lock = 0, head_epoch = 0, head_size = 0;

/* What the broker knows of the ledger's consumers. */
#define NOBODY 255
typedef Delivery { bool held; mtype t; byte q; byte b };
Delivery unacked[WRITERS];
bool subscribed[WRITERS];
byte active_writer = NOBODY;

byte delivered[N];                                     /* what the recipient saw                                      */

#define FAULT faults < FAULTS -> faults++

/* What a commit leaves behind is conserved: received = answered + unanswered + withdrawn, the unanswered counted from the states. */
inline check_conservation() {
  i = 0; unanswered = 0;
  do
  :: i == N -> break
  :: else -> unanswered = unanswered + (dispatched[i] && !answered[i] && !withdrawn[i] -> 1 : 0); i++
  od;
  assert(received_total == answered_total + unanswered + withdrawn_total);
  i = 0; unanswered = 0
}

/* The broker closes the channel of writer x: what it held returns, and the other one becomes the active consumer. */
inline close_channel(x) {
  if
  :: unacked[x].held ->
       ledger_back!unacked[x].t(unacked[x].q, unacked[x].b);
       unacked[x].held = false; unacked[x].t = 0; unacked[x].q = 0; unacked[x].b = 0
  :: else
  fi;
  subscribed[x] = false;
  if
  :: active_writer == x -> active_writer = NOBODY;
#if WRITERS > 1
       if :: subscribed[1 - x] -> active_writer = 1 - x :: else fi
#endif
  :: else
  fi
}

/* The writer forgets all it knew. */
inline forget() {
  t = 0; q = 0; b = 0; epoch = 0; size = 0;
  record = false; dispatching = false; answer = false; withdraw = false; refuse = false; park = false; unpark = false; hand = false
}

/* services/ledger/decisions.py::decide: what a batch amounts to, from what the transaction has read. Nothing is written here. */
inline decide() {
  if
  :: t == QUERY && recorded_by[q] == 0 -> record = true; hand = true
  :: t == QUERY && recorded_by[q] == b ->               /* the same batch again: its hand-over may not have happened  */
#ifndef NO_HAND_AGAIN
       hand = !dispatched[q] && !parked[q]              /* what was reported as parked is in the parking queue's custody */
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
#else
       dispatching = !dispatched[q]
#endif
  :: t == PARKED ->
#ifdef PARKED_OVERRIDES
       park = true
#else
       park = !dispatched[q] && !parked[q]
#endif
  :: t == ANSWER ->                                     /* may overtake the report that its query was dispatched      */
       if
       :: withdrawn[q] || answered[q] -> skip           /* closed: refused                                            */
       :: else -> dispatching = !dispatched[q]; answer = true
       fi
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
  unpark = dispatching && parked[q]
}

/* The COMMIT of services/ledger/sequencer.py::Sequencer.take: what was decided is written, with the counters, as entries of the log. */
inline write() {
#if !defined(NO_FENCE) && !defined(NO_EPOCH)
  assert(epoch == head_epoch);                          /* a stale writer commits nothing                             */
#endif
#ifndef COUNTS_ONLY
  assert(size == head_size);                            /* no place of the log is given twice                         */
#endif
  if :: record -> recorded_by[q] = b; entries_recorded[q]++; head_size++; size++ :: else fi;
  if
  :: dispatching ->
       dispatched[q] = true; received_total++; entries_dispatched[q]++; head_size++; size++;
#ifndef WITHDRAW_EARLY
       if :: withdrawn[q] -> withdrawn_total++ :: else fi
#endif
  :: else
  fi;
  if :: unpark -> parked[q] = false :: else fi;
  if :: park -> parked[q] = true; head_size++; size++ :: else fi;
  if :: answer -> answered[q] = true; answered_total++; entries_answered[q]++; head_size++; size++ :: else fi;
  if
  :: withdraw ->
       withdrawn[q] = true; entries_withdrawn[q]++; head_size++; size++;
#ifdef WITHDRAW_EARLY
       withdrawn_total++
#else
       if :: dispatched[q] -> withdrawn_total++ :: else fi
#endif
  :: else
  fi;
  if :: refuse -> withdrawal_refused[q] = true; head_size++; size++ :: else fi;
  assert(entries_recorded[q] <= 1 && entries_dispatched[q] <= 1);
  assert(entries_answered[q] + entries_withdrawn[q] <= 1);
  check_conservation();
  record = false; dispatching = false; answer = false; withdraw = false; refuse = false; park = false; unpark = false
}

/* The writer dies, or starts again of its own accord: the transaction it was in is rolled back, its channel is closed. */
inline start_again() {
  if :: head_lock == _pid + 1 -> head_lock = 0 :: else fi;
  close_channel(_pid);
  forget()
}

/* services/ledger/intake.py::LedgerIntake.handle: WRITERS instances (the first processes, so _pid is 0 and 1). */
active [WRITERS] proctype writer() {
  mtype t; byte q, b;
  /* What it remembers of the log head since its claim (epoch 0: has claimed nothing). head.py::lock reads the size anew in each
   * transaction; the model asks more, that it may be remembered, and so may be what grows with it (the tree's edge, running totals). */
  byte epoch = 0, size = 0;
  bool record, dispatching, answer, withdraw, refuse, park, unpark, hand;
  byte i, unanswered;
  Delivery gone;
opening:
  atomic {
    subscribed[_pid] = true;
    if :: active_writer == NOBODY -> active_writer = _pid :: else fi
  };
end:
  /* The single active consumer is delivered the next message, unacked. */
  if
  :: atomic { active_writer == _pid && nempty(ledger) ->
       ledger?t(q, b); unacked[_pid].held = true; unacked[_pid].t = t; unacked[_pid].q = q; unacked[_pid].b = b }
  :: atomic { active_writer == _pid && nempty(ledger_back) ->
       ledger_back?t(q, b); unacked[_pid].held = true; unacked[_pid].t = t; unacked[_pid].q = q; unacked[_pid].b = b }
  :: atomic { !subscribed[_pid] -> forget(); goto opening }
  fi;

#if WRITERS == 1
  atomic {                                              /* Nobody else looks at the tables: one step is enough.       */
#endif
  /* services/ledger/head.py::claim: a writer learns that it is the active one from its first delivery, and only then takes the next epoch. */
  if
  :: epoch == 0 ->
       if
       :: atomic { head_lock == 0 -> head_epoch++; epoch = head_epoch; size = head_size }
       :: atomic { FAULT; start_again(); goto opening }
       fi
  :: else
  fi;

  /* services/ledger/head.py::lock: the transaction begins with the lock of the log head, for the writer's own epoch. */
#ifdef NO_FENCE
  size = head_size;
#else
  if
  :: atomic { head_lock == 0 ->                         /* SELECT ... FOR UPDATE waits while another holds it          */
       if
#ifdef NO_EPOCH
       :: head_lock = _pid + 1
#else
       :: head_epoch == epoch -> head_lock = _pid + 1
       :: else -> start_again(); goto opening           /* fenced: another one has claimed since                      */
#endif
       fi }
  :: atomic { FAULT; start_again(); goto opening }
  fi;
#endif
  d_step { decide() };

  /* COMMIT. */
  if
#ifdef NO_FENCE
  :: d_step { true -> write() }
#else
  :: atomic { head_lock == _pid + 1 -> write(); head_lock = 0 }
  :: atomic { head_lock != _pid + 1 -> start_again(); goto opening }   /* PostgreSQL ended the session meanwhile     */
#endif
  :: atomic { FAULT; start_again(); goto opening }      /* died before it, or it did not happen and the reply is lost */
#ifdef KEEP_MEMORY
  :: atomic { FAULT; gone.b = size; write(); size = gone.b; gone.b = 0; head_lock = 0;
       ledger_back!t(q, b); unacked[_pid].held = false; hand = false; goto end }
#endif
  fi;
#if WRITERS == 1
  };
#endif

  /* services/ledger/handover.py: after the commit, and only then, to the router. */
handover:
  if
  :: atomic { hand -> dispatch!q }
  :: atomic { hand && faults < FAULTS -> faults++; dispatch!q; goto handover }   /* confirm lost: published once more  */
#ifdef ASSUME_CONFIRMED
  :: atomic { hand && faults < FAULTS -> faults++ }
#endif
  :: atomic { FAULT; start_again(); goto opening }      /* died after the commit, or its reply was lost               */
  :: !hand
  fi;

  /* The ack. */
  if
  :: atomic { unacked[_pid].held ->
       unacked[_pid].held = false; unacked[_pid].t = 0; unacked[_pid].q = 0; unacked[_pid].b = 0; t = 0; q = 0; b = 0; hand = false; goto end }
  :: atomic { !unacked[_pid].held -> start_again(); goto opening }     /* the channel it came on is gone             */
  :: atomic { FAULT; start_again(); goto opening }      /* died after the publish, or lost its confirm                */
  fi
}

#if PAUSES > 0
/* The broker takes a writer for lost that is still there; PostgreSQL ends the transaction of a session that says nothing. */
active proctype heartbeat() {
  byte x = 0;
end:
  do
  :: atomic { pauses < PAUSES && subscribed[0] -> pauses++; x = 0; close_channel(x) }
  :: atomic { pauses < PAUSES && subscribed[1] -> pauses++; x = 1; close_channel(x); x = 0 }
  :: atomic { head_lock == 1 && !subscribed[0] -> head_lock = 0 }
  :: atomic { head_lock == 2 && !subscribed[1] -> head_lock = 0 }
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
  :: ledger!t(q, b)
  :: atomic { FAULT; ledger!t(q, b); goto publish }     /* confirm lost: published once more, as the same batch       */
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
  :: atomic { !absent[q] -> inbox!q; report = DISPATCHED }
  :: atomic { !absent[q] && faults < FAULTS -> faults++; inbox!q; goto place }   /* confirm lost: published once more  */
#ifdef ASSUME_CONFIRMED
  :: atomic { FAULT; report = DISPATCHED }
#endif
#ifndef WAIT_FOR_INBOX
  :: absent[q] -> goto park                             /* returned or refused by the broker                          */
#endif
  :: atomic { FAULT; dispatch_back!q; q = 0; goto end }
  fi;
  goto tell;
park:                                                   /* The inbox may come back before the message is parked.      */
  if
  :: atomic { true -> parking[q]++; report = PARKED }
  :: atomic { FAULT; parking[q]++; goto park }          /* confirm lost: published once more                          */
#ifdef PARK_ACK_FIRST
  :: atomic { FAULT; q = 0; goto end }
#else
  :: atomic { FAULT; dispatch_back!q; q = 0; goto end }
#endif
  fi;
tell:
  if
  :: ledger!report(q, 0)
  :: atomic { FAULT; ledger!report(q, 0); goto tell }   /* confirm lost: published once more                          */
  :: atomic { FAULT; dispatch_back!q; q = 0; report = 0; goto end }
  fi;
  if
  :: atomic { true -> q = 0; report = 0; goto end }     /* ack                                                        */
  :: atomic { FAULT; dispatch_back!q; q = 0; report = 0; goto end }
  fi
}

#ifdef FLAPS
bool changed = false;

/* services/router/parking.py::Parking.sweep: whatever is parked and has an inbox now; what has none is passed over. */
active proctype sweep() {
  byte q = 0; mtype report = 0;
end:
  do
#ifdef SWEEP_ON_CHANGE_ONLY
  :: atomic { changed -> changed = false; q = 0;
       do
       :: q < N && parking[q] > 0 && !absent[q] -> break
       :: q < N && !(parking[q] > 0 && !absent[q]) -> q++
       :: q == N -> q = 0; goto end
       od; parking[q]-- }
#else
  :: atomic { parking[0] > 0 && !absent[0] -> parking[0]--; q = 0 }
#endif
     if
     :: atomic { !absent[q] -> inbox!q; report = DISPATCHED }
     :: atomic { absent[q] -> parking[q]++; report = PARKED }                    /* gone again: to the end of parking  */
     :: atomic { FAULT; parking[q]++; q = 0; goto end }
     fi;
     if
     :: ledger!report(q, 0)
     :: atomic { FAULT; parking[q]++; q = 0; report = 0; goto end }              /* died, or lost a confirm            */
     fi;
     if
     :: atomic { true -> q = 0; report = 0 }            /* ack                                                        */
     :: atomic { FAULT; parking[q]++; q = 0; report = 0 }
     fi
  od
}

/* Query 0's inbox goes and comes: a participant is disabled or added, an inbox fills or is read. */
active proctype world() {
  atomic { absent[0] = true };
end:
  do
  :: atomic { flaps < FLAPS -> flaps++; absent[0] = !absent[0]; changed = true }
  od
}
#endif

active proctype recipient() {
  xr inbox;
  byte q = 0;
end:
  do
  :: atomic { inbox?q -> delivered[q]++; ingress!ANSWER(q); q = 0 }              /* answers the second time too        */
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
     :: absent[q] && !dispatched[q] -> assert(parking[q] > 0 && parked[q])       /* waits for its inbox, and is listed */
     :: else ->
          assert(dispatched[q] && entries_dispatched[q] == 1);
          assert(delivered[q] >= 1);
          assert(entries_answered[q] + entries_withdrawn[q] == 1);
          assert(!parked[q]);
          assert(absent[q] || parking[q] == 0)
     fi;
     assert(faults + pauses > 0 || delivered[q] <= 1);
#ifdef WITHDRAW
     assert(q > 0 || withdrawn[q] || withdrawal_refused[q])
#endif
     q++
  od
}
