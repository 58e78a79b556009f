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
SELECT id, type, kind, sender, submitter, origin, written_to, correlation_id, batch, salt, commitment, arrived_at, accepted_at, accepted_entry,
       original_due, state, address, tier, due, taken_at, recipient, dispatched_at, acknowledged_at, period, parked_reason, duty, forwards,
       holders, forward_id, proposed_due, outcome, reason_code, answer_id, on_time, on_time_original, closed_at, timely, useful, remind_at,
       reminded, reminded_at, reminder_batch
  FROM message WHERE id = ANY($1::uuid[]);

-- name: update_messages
-- What transitions change. The number of rows is checked.
UPDATE message AS m
   SET state = n.state, address = n.address, tier = n.tier, due = n.due, taken_at = n.taken_at, recipient = n.recipient, dispatched_at =
       n.dispatched_at, acknowledged_at = n.acknowledged_at, period = n.period, parked_reason = n.parked_reason, duty = n.duty, forwards =
       n.forwards, holders = string_to_array(n.holders, ' '), forward_id = n.forward_id, proposed_due = n.proposed_due, outcome = n.outcome,
       reason_code = n.reason_code, answer_id = n.answer_id, on_time = n.on_time, on_time_original = n.on_time_original, closed_at =
       n.closed_at, timely = n.timely, useful = n.useful, remind_at = n.remind_at, reminded = n.reminded, reminded_at = n.reminded_at,
       reminder_batch = n.reminder_batch
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::date[], $6::timestamptz[], $7::text[], $8::timestamptz[], $9::timestamptz[],
              $10::text[], $11::text[], $12::int[], $13::int[], $14::text[], $15::uuid[], $16::date[], $17::text[], $18::text[],
              $19::uuid[], $20::bool[], $21::bool[], $22::timestamptz[], $23::bool[], $24::bool[], $25::timestamptz[], $26::int[],
              $27::timestamptz[], $28::uuid[])
       AS n(id, state, address, tier, due, taken_at, recipient, dispatched_at, acknowledged_at, period, parked_reason, duty, forwards, holders,
            forward_id, proposed_due, outcome, reason_code, answer_id, on_time, on_time_original, closed_at, timely, useful, remind_at,
            reminded, reminded_at, reminder_batch)
 WHERE m.id = n.id;

-- name: totals
-- Where the cohorts that are about to move stand, over all their kinds.
SELECT n.role, n.address, n.tier, n.period, sum(c.received)::bigint AS received, sum(c.answered)::bigint AS answered,
       sum(c.on_time)::bigint AS on_time, sum(c.on_time_original)::bigint AS on_time_original,
       sum(c.substantive)::bigint AS substantive, sum(c.withdrawn)::bigint AS withdrawn, sum(c.forwarded)::bigint AS forwarded
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n(role, address, tier, period)
  JOIN cohort AS c USING (role, address, tier, period)
 GROUP BY n.role, n.address, n.tier, n.period;

-- name: leaf_hashes
-- The leaf hashes of entries that were appended earlier, for a receipt that is made again.
SELECT index, leaf_hash FROM entry WHERE index = ANY($1::bigint[]);

-- name: begun_leaves
-- The leaf hashes from $1 up to $2, one behind the other: a tile of level 0, or the beginning of one.
SELECT coalesce(string_agg(leaf_hash, '' ORDER BY index), '') AS hashes FROM entry WHERE index >= $1 AND index < $2;

-- name: begun_tile
-- The hashes of a tile above level 0.
SELECT hashes FROM tree_tile WHERE level = $1 AND number = $2;

-- name: grow_tiles
-- Hashes are appended to tiles above level 0, which begin with their first.
INSERT INTO tree_tile (level, number, hashes)
SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
    ON CONFLICT (level, number) DO UPDATE SET hashes = tree_tile.hashes || excluded.hashes;

-- name: begin_cohorts
-- Cohorts begin at zero. Apart from their moves, because a check is held against a proposed row even where it meets one that is there.
INSERT INTO cohort (role, address, tier, kind, period, received, answered, on_time, on_time_original, substantive, unanswered, withdrawn, forwarded,
                    entry)
SELECT n.*, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS n
    ON CONFLICT (role, address, tier, kind, period) DO NOTHING;

-- name: move_cohorts
-- The counters move with the entries that move them; the table's checks hold conservation at every commit.
UPDATE cohort AS c
   SET received = c.received + n.received, answered = c.answered + n.answered, on_time = c.on_time + n.on_time, on_time_original =
       c.on_time_original + n.on_time_original, substantive = c.substantive + n.substantive, unanswered = c.unanswered + n.unanswered,
       withdrawn = c.withdrawn + n.withdrawn, forwarded = c.forwarded + n.forwarded, entry = n.entry
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
              $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
       AS n(role, address, tier, kind, period, received, answered, on_time, on_time_original, substantive, unanswered, withdrawn, forwarded, entry)
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

-- name: insert_past_duties
-- Duties that ended because their query went on to another recipient.
INSERT INTO past_duty (query_id, number, sender, origin, address, recipient, tier, kind, period, due, original_due, taken_at, received_at, acknowledged_at,
                       ended_at)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::date[], $11::date[],
                     $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[]);

-- name: closed_periods
-- The months whose figures are fixed.
SELECT period FROM closing;

-- name: close_period
-- A month is closed.
INSERT INTO closing (period, as_of, closed_at, by, entry) VALUES ($1, $2, $3, $4, $5);

-- name: fix_cohorts
-- The cohorts of a month as they stood at its cut-off, $2, counted from the duties: whoever closes it later fixes the same figures.
INSERT INTO closed_cohort (role, address, tier, kind, period, received, answered, on_time, on_time_original, substantive, unanswered, withdrawn, forwarded)
SELECT r.role, r.address, d.tier, d.kind, d.period, count(*),
       count(*) FILTER (WHERE d.ended_as = 'answered' AND d.ended_at < $2),
       count(*) FILTER (WHERE d.ended_as = 'answered' AND d.ended_at < $2 AND d.on_time),
       count(*) FILTER (WHERE d.ended_as = 'answered' AND d.ended_at < $2 AND d.on_time_original),
       count(*) FILTER (WHERE d.ended_as = 'answered' AND d.ended_at < $2 AND d.outcome IN ('confirmed', 'not-confirmed', 'partial')),
       count(*) FILTER (WHERE d.ended_as IS NULL OR d.ended_at >= $2),
       count(*) FILTER (WHERE d.ended_as = 'withdrawn' AND d.ended_at < $2),
       count(*) FILTER (WHERE d.ended_as = 'forwarded' AND d.ended_at < $2)
  FROM duty AS d, LATERAL (VALUES ('recipient', d.address), ('sender', d.origin)) AS r(role, address)
 WHERE d.period = $1
 GROUP BY r.role, r.address, d.tier, d.kind, d.period
RETURNING role, address, tier, kind, period, received, answered, on_time, on_time_original, substantive, unanswered, withdrawn, forwarded;

-- name: flush_standby
-- Something to commit, so that the commit waits for the standby: then the standby has all that was committed before, too.
SELECT pg_logical_emit_message(true, 'huizhi', '');

-- name: publish_checkpoint
-- The newest checkpoint: of several ledgers' the largest one stands, and among those of one size the one with the most signatures.
INSERT INTO checkpoint (single, size, root, note, signatures, published_at) VALUES (true, $1, $2, $3, $4, $5)
    ON CONFLICT (single) DO UPDATE
   SET size = excluded.size, root = excluded.root, note = excluded.note, signatures = excluded.signatures, published_at = excluded.published_at
 WHERE (checkpoint.size, checkpoint.signatures) < (excluded.size, excluded.signatures);
