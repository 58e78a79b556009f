-- The ledger's hot statements, read by queries.py. Each begins with its name and is described by the lines after it.

-- name: claim_head
-- A writer takes over: the first statement of its first transaction. Once that commits, no transaction of an earlier epoch can.
UPDATE log_head SET epoch = epoch + 1 RETURNING epoch, size, at;

-- name: end_silent_writers
-- The server does not count a client as idle that falls silent between the parts of one statement (Parse, then Bind and Execute), or that does
-- not take the rows it asked for: without this, a writer that is paused just there, or whose line carries nothing any more, would keep the head
-- locked for as long as its line lasts. It is given no longer than one that is idle.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND usename = current_user AND application_name = current_setting('application_name')
   AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND wait_event IN ('ClientRead', 'ClientWrite')
   AND state_change < clock_timestamp() - nullif(current_setting('idle_in_transaction_session_timeout'), '0')::interval;

-- name: lock_head
-- The first statement of every other writing transaction: no row means that another writer has taken over.
SELECT epoch, size, at FROM log_head WHERE epoch = $1 FOR UPDATE;

-- name: advance_head
-- The compare-and-set that fences the log: one row, or the transaction must not commit.
UPDATE log_head SET size = $3, at = $4 WHERE epoch = $1 AND size = $2;

-- name: messages_by_id
-- What is known of the messages that a batch concerns.
SELECT id, type, kind, sender, submitter, origin, written_to, address, recipient, tier, due, correlation_id, outcome, answer_id,
       on_time, state, parked_reason, batch, salt, commitment, arrived_at, accepted_at, accepted_entry, dispatched_at, closed_at, period
  FROM message WHERE id = ANY($1::uuid[]);

-- name: insert_messages
-- New messages. A conflict is impossible while the head is locked, and fails the transaction.
INSERT INTO message (id, type, kind, sender, submitter, origin, written_to, address, recipient, tier, due, correlation_id, outcome,
                     answer_id, on_time, state, parked_reason, batch, salt, commitment, arrived_at, accepted_at, accepted_entry,
                     dispatched_at, closed_at, period)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::text[], $11::date[], $12::uuid[], $13::text[], $14::uuid[], $15::bool[], $16::text[], $17::text[],
                     $18::uuid[], $19::bytea[], $20::bytea[], $21::timestamptz[], $22::timestamptz[], $23::bigint[],
                     $24::timestamptz[], $25::timestamptz[], $26::text[]);

-- name: update_messages
-- What transitions change. The number of rows is checked.
UPDATE message AS m
   SET address = n.address, recipient = n.recipient, tier = n.tier, outcome = n.outcome, answer_id = n.answer_id, on_time = n.on_time,
       state = n.state, parked_reason = n.parked_reason, dispatched_at = n.dispatched_at, closed_at = n.closed_at, period = n.period
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bool[], $8::text[], $9::text[],
              $10::timestamptz[], $11::timestamptz[], $12::text[])
       AS n(id, address, recipient, tier, outcome, answer_id, on_time, state, parked_reason, dispatched_at, closed_at, period)
 WHERE m.id = n.id;

-- name: append_entries
-- The log grows. The primary key refuses an index that is taken.
INSERT INTO entry (index, at, event, message_id, data)
SELECT n.index, $2, n.event, n.message_id, n.data::jsonb
  FROM unnest($1::bigint[], $3::text[], $4::uuid[], $5::text[]) AS n(index, event, message_id, data);

-- name: begin_cohorts
-- Cohorts begin at zero. Apart from their moves, because a check is held against a proposed row even where it meets one that is there.
INSERT INTO cohort (role, address, tier, kind, period, received, answered, on_time, unanswered, withdrawn, forwarded)
SELECT n.*, 0, 0, 0, 0, 0, 0 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS n
    ON CONFLICT (role, address, tier, kind, period) DO NOTHING;

-- name: move_cohorts
-- The counters move with the entries that move them; the table's checks hold conservation at every commit.
UPDATE cohort AS c
   SET received = c.received + n.received, answered = c.answered + n.answered,
       on_time = c.on_time + n.on_time, unanswered = c.unanswered + n.unanswered
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
       AS n(role, address, tier, kind, period, received, answered, on_time, unanswered)
 WHERE (c.role, c.address, c.tier, c.kind, c.period) = (n.role, n.address, n.tier, n.kind, n.period);

-- name: refusals_by_id
-- Which refusals are recorded already.
SELECT id FROM refusal WHERE id = ANY($1::uuid[]);

-- name: insert_refusals
-- What was not let in, and why.
INSERT INTO refusal (id, message_id, sender, type, problem, detail, door, payload_bytes, arrived_at, entry, at)
SELECT n.*, $11
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::timestamptz[],
              $10::bigint[]) AS n;

-- name: set_aside
-- A record that the ledger could not take; the same one again is not listed twice.
INSERT INTO set_aside (id, at, queue, message_id, sender, reason) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING;
