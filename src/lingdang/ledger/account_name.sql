-- The name of an account of a journal row. A number is the revenue of the publisher of that line of the row's order,
-- counted from 0: rows hold its name once. One that is no line's is shown as it is, and belongs to nothing.
CREATE OR REPLACE FUNCTION account_name(account json, kind text, detail json) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN json_typeof(account) = 'number' AND kind = 'payment'
                 AND detail #> ARRAY['0', account::text] IS NOT NULL
            THEN 'revenue:' || coalesce(detail #>> ARRAY['0', account::text, '2'], '')
            ELSE account #>> '{}' END;
