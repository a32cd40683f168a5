"""The relationships of the registry's own records: whose working time a servant controls (Order 120, point 10)."""

# The units that a servant heads on the body's date, with those beneath, as long as they serve there: whoever has left heads nothing any
# more, whether or not a successor was named. And the people of units without a head whose position is supervised by one that the servant
# holds.
CONTROL = """
WITH RECURSIVE dated AS (
    SELECT id AS body, ($2::timestamptz AT TIME ZONE zone)::date AS today FROM state_bodies
), headed AS (
    SELECT h.body, h.unit FROM unit_heads h JOIN dated d USING (body)
    WHERE h.servant = $1 AND daterange(h.since, h.until, '[]') @> d.today AND EXISTS (
        SELECT FROM appointments a WHERE a.servant = h.servant AND a.body = h.body AND daterange(a.since, a.until, '[]') @> d.today
    )
    UNION SELECT u.body, u.id FROM headed JOIN units u ON u.body = headed.body AND u.parent_unit = headed.unit
)
SELECT
    ARRAY (SELECT body || '/' || unit FROM headed) AS units,
    ARRAY (
        SELECT DISTINCT a.body || '/' || a.servant
        FROM appointments mine JOIN dated d ON d.body = mine.body
        JOIN positions p ON p.body = mine.body AND p.supervising_position = mine.position
        JOIN appointments a ON a.body = p.body AND a.position = p.id
        WHERE mine.servant = $1 AND a.servant <> $1
            AND daterange(mine.since, mine.until, '[]') @> d.today AND daterange(a.since, a.until, '[]') @> d.today
            AND NOT EXISTS (
                SELECT FROM unit_heads h JOIN appointments serves ON serves.servant = h.servant AND serves.body = h.body
                WHERE h.body = p.body AND h.unit = p.unit AND daterange(h.since, h.until, '[]') @> d.today
                    AND daterange(serves.since, serves.until, '[]') @> d.today
            )
    ) AS people
"""
