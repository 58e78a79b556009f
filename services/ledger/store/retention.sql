-- The statements of retention, read by queries.py. Each begins with its name and is described by the lines after it.

-- name: stretch
-- Where the next stretch of messages ends: the table is gone through once, in order of ids.
SELECT id FROM message WHERE id > $1 ORDER BY id OFFSET $2 - 1 LIMIT 1;

-- name: over
-- The messages of a stretch, behind $1 up to $2, that were over before $3 and can still be told from others by what they said. A query
-- is over when it is closed; what was said about it, once it is in an inbox and the query is over; a notice, once it is in an inbox.
SELECT m.id, m.type
  FROM message AS m LEFT JOIN message AS q ON q.id = m.correlation_id
 WHERE m.id > $1 AND ($2::uuid IS NULL OR m.id <= $2) AND m.salt IS NOT NULL AND m.accepted_at < $3
   AND CASE WHEN m.type = 'query' THEN m.state IN ('answered', 'withdrawn') AND m.closed_at < $3
            ELSE m.state = 'dispatched' AND m.dispatched_at < $3
                 AND (m.type = 'notice' OR q.state IN ('answered', 'withdrawn') AND q.closed_at < $3)
        END;

-- name: forget
-- What is over never changes its state again, so only the row's lock is asked for: a message that the ledger writes to just now is left
-- to the next run, and nobody waits for anybody.
UPDATE message SET salt = NULL
 WHERE id IN (SELECT id FROM message WHERE id = ANY($1::uuid[]) FOR UPDATE SKIP LOCKED)
RETURNING type;
