-- Whether an entry of the inbox waits that tells of a top-up (lingdang.topup.inbox): by its id, or by its payment.
CREATE OR REPLACE FUNCTION topup_waits(id uuid, at_account text, payment text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM topup_waiting w
                    WHERE w.told->'standing'->>'topup_id' = id::text
                       OR (w.account, w.told->'standing'->>'reference') = (at_account, payment))
$$;
