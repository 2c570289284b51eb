-- The name of an account of a transfer, whose order has these lines. A number is the revenue of the publisher of that
-- line, counted from 0: rows hold its name once. One that is no line's is shown as it is, and belongs to nothing.
CREATE OR REPLACE FUNCTION account_name(account json, lines json) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN json_typeof(account) = 'number' AND lines #> ARRAY[account::text] IS NOT NULL
            THEN 'revenue:' || coalesce(lines #>> ARRAY[account::text, '2'], '')
            ELSE account #>> '{}' END;
