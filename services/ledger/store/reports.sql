-- The statements behind the ledger's answers, read by queries.py. Each begins with its name and is described by the lines after it.
-- An address parameter that stands for "at and below" comes as the pattern '410102%', codes of lower levels beginning with those above;
-- a department comes as itself, nothing lying below it.

-- name: figures_of_periods
-- A rate as of now, by months: the sum of the cohorts at and below an address.
SELECT tier, sum(received)::bigint AS received, sum(answered)::bigint AS answered, sum(on_time)::bigint AS on_time, sum(on_time_original)::bigint AS
       on_time_original, sum(substantive)::bigint AS substantive, sum(unanswered)::bigint AS unanswered, sum(withdrawn)::bigint AS
       withdrawn, sum(forwarded)::bigint AS forwarded
  FROM cohort
 WHERE role = $1 AND period = ANY($2::text[]) AND address LIKE $3 AND ($4::text IS NULL OR kind = $4)
 GROUP BY tier;

-- name: figures_as_recipient
-- A rate over any span as of any moment, counted from the duties themselves.
SELECT tier, count(*) AS received,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4) AS answered,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4 AND on_time) AS on_time,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4 AND on_time_original) AS on_time_original,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4 AND outcome IN ('confirmed', 'not-confirmed', 'partial')) AS substantive,
       count(*) FILTER (WHERE ended_as IS NULL OR ended_at > $4) AS unanswered,
       count(*) FILTER (WHERE ended_as = 'withdrawn' AND ended_at <= $4) AS withdrawn,
       count(*) FILTER (WHERE ended_as = 'forwarded' AND ended_at <= $4) AS forwarded
  FROM duty
 WHERE address LIKE $1 AND received_at >= $2 AND received_at < $3 AND received_at <= $4 AND ($5::text IS NULL OR kind = $5)
 GROUP BY tier;

-- name: figures_as_sender
-- The same, of the queries that an address and those below it sent.
SELECT tier, count(*) AS received,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4) AS answered,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4 AND on_time) AS on_time,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4 AND on_time_original) AS on_time_original,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4 AND outcome IN ('confirmed', 'not-confirmed', 'partial')) AS substantive,
       count(*) FILTER (WHERE ended_as IS NULL OR ended_at > $4) AS unanswered,
       count(*) FILTER (WHERE ended_as = 'withdrawn' AND ended_at <= $4) AS withdrawn,
       count(*) FILTER (WHERE ended_as = 'forwarded' AND ended_at <= $4) AS forwarded
  FROM duty
 WHERE origin LIKE $1 AND received_at >= $2 AND received_at < $3 AND received_at <= $4 AND ($5::text IS NULL OR kind = $5)
 GROUP BY tier;

-- name: unanswered
-- What is behind the difference, oldest first, a page at a time after (dispatched_at, id).
SELECT id, kind, origin, written_to, address, recipient, tier, dispatched_at, due, original_due, state, acknowledged_at
  FROM message
 WHERE type = 'query' AND state IN ('dispatched', 'acknowledged', 'partly-answered') AND address LIKE $1 AND ($2::text IS NULL OR tier = $2) AND ($3::text IS NULL OR kind = $3)
   AND (dispatched_at, id) > ($4, $5)
   AND ($7::timestamptz IS NULL OR dispatched_at >= $7) AND ($8::timestamptz IS NULL OR dispatched_at < $8)
 ORDER BY dispatched_at, id LIMIT $6;

-- name: message
-- One message as it stands, and when its answer arrived.
SELECT id, type, kind, sender, submitter, origin, written_to, correlation_id, arrived_at, accepted_at, accepted_entry, original_due, state,
       address, tier, due, taken_at, recipient, dispatched_at, acknowledged_at, period, parked_reason, duty, forwards, holders, forward_id,
       proposed_due, outcome, reason_code, answer_id, on_time, on_time_original, closed_at, timely, useful, remind_at, reminded, reminded_at,
       (SELECT answer.arrived_at FROM message AS answer WHERE answer.id = message.answer_id) AS answer_arrived_at
  FROM message WHERE id = $1;

-- name: past_duties
-- Who had a query before, in order.
SELECT recipient, taken_at, received_at, acknowledged_at, ended_at FROM past_duty WHERE query_id = $1 ORDER BY number;

-- name: to_be_reminded_by_hand
-- What has to be known of a query before a reminder is ordered by hand.
SELECT id, type, kind, sender, recipient, address, state, reminded_at FROM message WHERE id = $1;

-- name: custody
-- How long queries lay with the exchange, and with recipients before and after they acknowledged them, as custody.py has it: median and
-- 90th percentile in seconds over the duties of a span, first (address NULL) of all together, then of each address, the slowest first. What
-- is not over counts with its time until $4, so that silence does not shorten it.
WITH timed AS (
    SELECT d.address, d.taken_at, d.received_at, d.ended_as, greatest(d.received_at, CASE d.ended_as
               WHEN 'answered' THEN coalesce(answer.arrived_at, d.ended_at)
               WHEN 'forwarded' THEN coalesce(following.taken_at, query.taken_at)
               WHEN 'withdrawn' THEN d.ended_at
               ELSE $4::timestamptz END) AS done_at,
           CASE WHEN d.acknowledged_at IS NOT NULL THEN greatest(d.received_at, d.acknowledged_at) END AS acknowledged_at
      FROM duty AS d
      JOIN message AS query ON query.id = d.query_id
      LEFT JOIN message AS answer ON answer.id = query.answer_id
      LEFT JOIN past_duty AS following ON following.query_id = d.query_id AND following.number = d.number + 1
     WHERE d.address LIKE $1 AND d.received_at >= $2 AND d.received_at < $3
       AND ($5::text IS NULL OR d.tier = $5) AND ($6::text IS NULL OR d.kind = $6)),
held AS (
    SELECT address, ended_as,
           extract(epoch FROM greatest(received_at - taken_at, interval '0'))::float8 AS exchange,
           extract(epoch FROM coalesce(acknowledged_at, done_at) - received_at)::float8 AS before,
           CASE WHEN acknowledged_at IS NOT NULL THEN extract(epoch FROM greatest(done_at - acknowledged_at, interval '0'))::float8 END AS after
      FROM timed)
SELECT address, count(*) AS received, count(*) FILTER (WHERE ended_as IS NULL) AS running,
       count(exchange) AS exchange_count,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY exchange) AS exchange_median,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY exchange) AS exchange_p90,
       count(before) AS before_acknowledgement_count,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY before) AS before_acknowledgement_median,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY before) AS before_acknowledgement_p90,
       count(after) AS after_acknowledgement_count,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY after) AS after_acknowledgement_median,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY after) AS after_acknowledgement_p90
  FROM held
 GROUP BY GROUPING SETS ((), (address))
 ORDER BY address IS NULL DESC, percentile_cont(0.9) WITHIN GROUP (ORDER BY before + coalesce(after, 0)) DESC, address
 LIMIT $7;

-- name: timeline
-- What happened to a message, in ledger order.
SELECT index, at, event, data FROM entry WHERE message_id = $1 ORDER BY index;

-- name: refusals_of_message
-- Every time that this id was refused.
SELECT id, message_id, sender, type, problem, detail, door, payload_bytes, arrived_at, at, entry FROM refusal WHERE message_id = $1 ORDER BY entry;

-- name: refusals
-- What was not let in, newest first, a page at a time before an entry.
SELECT id, message_id, sender, type, problem, detail, door, payload_bytes, arrived_at, at, entry
  FROM refusal
 WHERE entry < $1 AND ($2::text IS NULL OR sender = $2) AND ($3::text IS NULL OR problem = $3)
 ORDER BY entry DESC LIMIT $4;

-- name: parked
-- What could not be placed, oldest first, a page at a time after an entry.
SELECT id, type, kind, sender, origin, written_to, address, tier, due, parked_reason, accepted_at, accepted_entry
  FROM message WHERE state = 'parked' AND accepted_entry > $1 AND (address LIKE $2 OR origin LIKE $2) ORDER BY accepted_entry LIMIT $3;

-- name: set_aside
-- What the ledger could not take, oldest first.
SELECT id, at, queue, message_id, sender, reason FROM set_aside ORDER BY at, id LIMIT $1;

-- name: conservation
-- Every cohort whose counters do not agree with each other or with the messages that are unanswered. Empty when all holds.
WITH counted AS (
    SELECT r.role, r.address, m.tier, m.kind, m.period, count(*) AS unanswered
      FROM message AS m, LATERAL (VALUES ('recipient', m.address), ('sender', m.origin)) AS r(role, address)
     WHERE m.type = 'query' AND m.state IN ('dispatched', 'acknowledged', 'partly-answered')
     GROUP BY r.role, r.address, m.tier, m.kind, m.period)
SELECT role, address, tier, kind, period, coalesce(c.received, 0) AS received, coalesce(c.answered, 0) AS answered,
       coalesce(c.on_time, 0) AS on_time, coalesce(c.unanswered, 0) AS unanswered, coalesce(c.withdrawn, 0) AS withdrawn,
       coalesce(c.forwarded, 0) AS forwarded, coalesce(counted.unanswered, 0) AS unanswered_messages
  FROM cohort AS c FULL JOIN counted USING (role, address, tier, kind, period)
 WHERE c.received IS DISTINCT FROM c.answered + c.unanswered + c.withdrawn + c.forwarded
    OR coalesce(c.unanswered, 0) <> coalesce(counted.unanswered, 0)
 ORDER BY role, address, tier, kind, period;

-- name: recount
-- Every cohort whose counters differ from what the entries say. Reads the whole log.
WITH entries AS (
    SELECT r.role, r.address, e.data->>'tier' AS tier, e.data->>'kind' AS kind, e.data->>'period' AS period,
           count(*) FILTER (WHERE e.event = 'dispatched') AS received,
           count(*) FILTER (WHERE e.event = 'answered') AS answered,
           count(*) FILTER (WHERE e.event = 'answered' AND (e.data->>'on_time')::bool) AS on_time,
           count(*) FILTER (WHERE e.event = 'answered' AND (e.data->>'on_time_original')::bool) AS on_time_original,
           count(*) FILTER (WHERE e.event = 'answered' AND (e.data->>'substantive')::bool) AS substantive,
           count(*) FILTER (WHERE e.event = 'withdrawn') AS withdrawn,
           count(*) FILTER (WHERE e.event IN ('forwarded', 'passed-on')) AS forwarded
      FROM entry AS e, LATERAL (VALUES ('recipient', e.data->>'address'), ('sender', e.data->>'from')) AS r(role, address)
     WHERE e.event IN ('dispatched', 'answered', 'withdrawn', 'forwarded', 'passed-on') AND e.data->>'type' = 'query'
     GROUP BY 1, 2, 3, 4, 5)
SELECT role, address, tier, kind, period, c.received AS received, c.answered AS answered, c.on_time AS on_time,
       c.withdrawn AS withdrawn, c.forwarded AS forwarded, entries.received AS received_entries,
       entries.answered AS answered_entries, entries.on_time AS on_time_entries, entries.withdrawn AS withdrawn_entries,
       entries.forwarded AS forwarded_entries
  FROM cohort AS c FULL JOIN entries USING (role, address, tier, kind, period)
 WHERE (c.received, c.answered, c.on_time, c.on_time_original, c.substantive, c.withdrawn, c.forwarded)
       IS DISTINCT FROM
       (entries.received, entries.answered, entries.on_time, entries.on_time_original, entries.substantive, entries.withdrawn, entries.forwarded)
 ORDER BY role, address, tier, kind, period;

-- name: standing
-- What stands on the ledger now, for gauges.
SELECT (SELECT size FROM log_head) AS entries,
       (SELECT coalesce(sum(unanswered), 0)::bigint FROM cohort WHERE role = 'recipient') AS unanswered,
       (SELECT count(*) FROM message WHERE state = 'parked') AS parked,
       (SELECT count(*) FROM set_aside) AS set_aside,
       (SELECT coalesce(max(size), 0) FROM checkpoint) AS published,
       (SELECT coalesce(extract(epoch FROM max(published_at)), 0)::float8 FROM checkpoint) AS published_at;

-- name: open_by_state
-- How many received queries wait in which state.
SELECT state, count(*) AS queries FROM message
 WHERE type = 'query' AND state IN ('dispatched', 'acknowledged', 'partly-answered') GROUP BY state;

-- name: to_be_reminded
-- Whose recipient is to be reminded by now, the longest due first, without those for whom it is ordered already.
SELECT id FROM message WHERE remind_at <= $1 AND id <> ALL($2::uuid[]) ORDER BY remind_at LIMIT 500;

-- name: open_addresses
-- Where queries lie open.
SELECT DISTINCT address FROM message WHERE type = 'query' AND state IN ('dispatched', 'acknowledged', 'partly-answered');

-- name: open_at
-- The queries that lie open at some addresses.
SELECT id, address FROM message
 WHERE type = 'query' AND state IN ('dispatched', 'acknowledged', 'partly-answered') AND address = ANY($1::text[])
 ORDER BY dispatched_at, id;

-- name: places
-- The addresses that anything was ever counted under, with the years of their periods: what another reading of the codes has to sort.
SELECT DISTINCT address, left(period, 4)::int AS year FROM cohort WHERE role = $1 AND ($2::text[] IS NULL OR period = ANY($2));

-- name: figures_of_periods_at_places
-- A rate as of now, by months, of addresses that are named each with a year.
SELECT tier,
       sum(received)::bigint AS received, sum(answered)::bigint AS answered, sum(on_time)::bigint AS on_time,
       sum(on_time_original)::bigint AS on_time_original, sum(substantive)::bigint AS substantive,
       sum(unanswered)::bigint AS unanswered, sum(withdrawn)::bigint AS withdrawn, sum(forwarded)::bigint AS forwarded
  FROM cohort JOIN unnest($3::text[], $4::int[]) AS place(address, year) USING (address)
 WHERE role = $1 AND period = ANY($2::text[]) AND left(period, 4)::int = place.year AND ($5::text IS NULL OR kind = $5)
 GROUP BY tier;

-- name: figures_at_places
-- A rate over any span as of any moment, of addresses that are named each with a year, in the role $1.
SELECT tier, count(*) AS received,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4) AS answered,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4 AND on_time) AS on_time,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4 AND on_time_original) AS on_time_original,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= $4 AND outcome IN ('confirmed', 'not-confirmed', 'partial')) AS substantive,
       count(*) FILTER (WHERE ended_as IS NULL OR ended_at > $4) AS unanswered,
       count(*) FILTER (WHERE ended_as = 'withdrawn' AND ended_at <= $4) AS withdrawn,
       count(*) FILTER (WHERE ended_as = 'forwarded' AND ended_at <= $4) AS forwarded
  FROM duty JOIN unnest($5::text[], $6::int[]) AS place(address, year)
    ON place.address = CASE $1 WHEN 'recipient' THEN duty.address ELSE duty.origin END AND place.year = left(period, 4)::int
 WHERE received_at >= $2 AND received_at < $3 AND received_at <= $4 AND ($7::text IS NULL OR kind = $7)
 GROUP BY tier;

-- name: closings
-- The months that are closed.
SELECT period, as_of, closed_at, by, entry FROM closing ORDER BY period;

-- name: closed_figures
-- The figures of closed months as they were fixed, added up.
SELECT tier,
       sum(received)::bigint AS received, sum(answered)::bigint AS answered, sum(on_time)::bigint AS on_time,
       sum(on_time_original)::bigint AS on_time_original, sum(substantive)::bigint AS substantive,
       sum(unanswered)::bigint AS unanswered, sum(withdrawn)::bigint AS withdrawn, sum(forwarded)::bigint AS forwarded
  FROM closed_cohort
 WHERE role = $1 AND period = ANY($2::text[]) AND address LIKE $3 AND ($4::text IS NULL OR kind = $4)
 GROUP BY tier;

-- name: circular_closed
-- The fixed figures of months by the code that a circular lists an address under, and of the whole. An address comes with the year of its periods.
SELECT place.code, grouping(place.code) = 1 AS whole,
       coalesce(sum(received), 0)::bigint AS received, coalesce(sum(answered), 0)::bigint AS answered, coalesce(sum(on_time), 0)::bigint AS on_time,
       coalesce(sum(on_time_original), 0)::bigint AS on_time_original, coalesce(sum(substantive), 0)::bigint AS substantive,
       coalesce(sum(unanswered), 0)::bigint AS unanswered, coalesce(sum(withdrawn), 0)::bigint AS withdrawn, coalesce(sum(forwarded), 0)::bigint AS forwarded
  FROM closed_cohort JOIN unnest($2::text[], $3::int[], $4::text[]) AS place(address, year, code) USING (address)
 WHERE role = 'recipient' AND period = ANY($1::text[]) AND left(period, 4)::int = place.year
   AND ($5::text IS NULL OR tier = $5) AND ($6::text IS NULL OR kind = $6)
 GROUP BY GROUPING SETS ((place.code), ());

-- name: circular_counted
-- The same counted from the duties, each month as of a moment of its own, and how long answers took. The span only narrows the search.
SELECT place.code, grouping(place.code) = 1 AS whole, count(*) AS received,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= month.as_of) AS answered,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= month.as_of AND on_time) AS on_time,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= month.as_of AND on_time_original) AS on_time_original,
       count(*) FILTER (WHERE ended_as = 'answered' AND ended_at <= month.as_of AND outcome IN ('confirmed', 'not-confirmed', 'partial')) AS substantive,
       count(*) FILTER (WHERE ended_as IS NULL OR ended_at > month.as_of) AS unanswered,
       count(*) FILTER (WHERE ended_as = 'withdrawn' AND ended_at <= month.as_of) AS withdrawn,
       count(*) FILTER (WHERE ended_as = 'forwarded' AND ended_at <= month.as_of) AS forwarded,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - received_at)::float8)
           FILTER (WHERE ended_as = 'answered' AND ended_at <= month.as_of) AS median_seconds
  FROM duty
  JOIN unnest($1::text[], $2::timestamptz[]) AS month(period, as_of) USING (period)
  JOIN unnest($3::text[], $4::int[], $5::text[]) AS place(address, year, code) USING (address)
 WHERE left(period, 4)::int = place.year AND received_at <= month.as_of AND received_at >= $8 AND received_at < $9
   AND ($6::text IS NULL OR tier = $6) AND ($7::text IS NULL OR kind = $7)
 GROUP BY GROUPING SETS ((place.code), ());

-- name: log_size
-- How many entries the log has.
SELECT size FROM log_head;

-- name: checkpoint
-- The newest published checkpoint; none where nothing was published yet.
SELECT size, root, note, published_at FROM checkpoint;

-- name: tiles
-- Tiles by level, number and width, as far as they are there.
SELECT t.level, t.number, t.width,
       CASE WHEN t.level = 0
            THEN (SELECT string_agg(e.leaf_hash, '' ORDER BY e.index) FROM entry AS e
                   WHERE e.index >= t.number * 256 AND e.index < t.number * 256 + t.width)
            ELSE (SELECT substr(r.hashes, 1, t.width * 32) FROM tree_tile AS r WHERE r.level = t.level AND r.number = t.number)
       END AS hashes
  FROM unnest($1::smallint[], $2::bigint[], $3::int[]) AS t(level, number, width);

-- name: entries
-- The entries from $1 up to $2.
SELECT index, at, event, message_id, data FROM entry WHERE index >= $1 AND index < $2 ORDER BY index;

-- name: entries_at
-- The entries at some places of the log.
SELECT index, at, event, message_id, data FROM entry WHERE index = ANY($1::bigint[]) ORDER BY index;

-- name: newest_of_cohorts
-- For each cohort at and below an address, the newest entry that moved it: its leaf states where the cohort stands. $5 at most.
SELECT address, tier, max(entry) AS entry FROM cohort
 WHERE role = $1 AND period = $2 AND address LIKE $3 AND ($4::text IS NULL OR tier = $4)
 GROUP BY address, tier ORDER BY entry LIMIT $5;

-- name: closed_table
-- All cohorts of a closed month.
SELECT role, address, tier, kind, period, received, answered, on_time, on_time_original, substantive, unanswered, withdrawn, forwarded
  FROM closed_cohort WHERE period = $1;
