-- Hand one voucher of a coupon to a customer: by its public code, by a one-time code (its hash), or by name alone (a
-- grant). The customer's lock orders their own claims, the definition's row those of all: limits are exact. That row
-- is locked last, after a look without a lock has turned away whoever comes too late.
-- `granting`: a customer who holds or held one is answered with it, so that a repeated grant adds nothing.
CREATE OR REPLACE FUNCTION voucher_claim(
    b smallint, owner bigint, moment timestamptz, fresh uuid, public_code text, hash bytea, named text,
    granting boolean
) RETURNS TABLE (refusal text, claimed_voucher uuid, is_new boolean)
LANGUAGE plpgsql AS $$
DECLARE
    c coupon;
    one_time coupon_code;
    held uuid;
    count_held bigint;
BEGIN
    SELECT * INTO c FROM coupon k WHERE k.code = public_code OR k.coupon_id = named;
    IF c.coupon_id IS NULL AND hash IS NOT NULL THEN
        SELECT * INTO one_time FROM coupon_code o WHERE o.code_hash = hash;
        SELECT * INTO c FROM coupon k WHERE k.coupon_id = one_time.coupon_id;
    END IF;
    IF c.coupon_id IS NULL THEN
        RETURN QUERY SELECT 'unknown_code', NULL::uuid, false;
        RETURN;
    END IF;
    IF one_time.claimed_by IS NOT NULL THEN
        RETURN QUERY SELECT CASE WHEN one_time.claimed_by <> owner THEN 'code_used' END, one_time.voucher_id, false;
        RETURN;
    END IF;
    IF NOT granting THEN
        refusal := CASE WHEN c.status <> 'active' THEN c.status
                        WHEN moment < c.valid_from THEN 'not_started'
                        WHEN moment >= c.valid_until THEN 'expired'
                        WHEN c.claimed >= c.total_limit THEN 'sold_out' END;
        IF refusal IS NOT NULL THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    PERFORM pg_advisory_xact_lock(hashint8extended(owner, 2));
    IF one_time.code_hash IS NOT NULL THEN
        SELECT * INTO one_time FROM coupon_code o WHERE o.code_hash = hash FOR UPDATE;
        IF one_time.claimed_by IS NOT NULL THEN
            RETURN QUERY
            SELECT CASE WHEN one_time.claimed_by <> owner THEN 'code_used' END, one_time.voucher_id, false;
            RETURN;
        END IF;
    END IF;
    SELECT count(*), (array_agg(v.voucher_id ORDER BY v.voucher_id DESC))[1] INTO count_held, held
      FROM voucher v WHERE v.bucket = b AND v.customer = owner AND v.coupon_id = c.coupon_id;
    IF granting AND held IS NOT NULL THEN
        RETURN QUERY SELECT NULL::text, held, false;
        RETURN;
    END IF;
    IF count_held >= c.per_customer THEN
        RETURN QUERY SELECT 'limit_reached', held, false;
        RETURN;
    END IF;
    UPDATE coupon k SET claimed = k.claimed + 1
     WHERE k.coupon_id = c.coupon_id AND k.status = 'active'
       AND (k.total_limit IS NULL OR k.claimed < k.total_limit)
       AND (k.valid_until IS NULL OR k.valid_until > moment)
    RETURNING k.* INTO c;
    IF c.coupon_id IS NULL THEN
        SELECT CASE WHEN k.status <> 'active' THEN k.status
                    WHEN moment >= k.valid_until THEN 'expired'
                    ELSE 'sold_out' END
          INTO refusal FROM coupon k WHERE k.code = public_code OR k.coupon_id = coalesce(named, one_time.coupon_id);
        RETURN NEXT;
        RETURN;
    END IF;
    INSERT INTO voucher (bucket, customer, voucher_id, coupon_id, claimed_at, expires_at)
    VALUES (b, owner, fresh, c.coupon_id, moment,
            least(c.valid_until, moment + make_interval(days => coalesce(c.valid_days, 1096))));
    IF one_time.code_hash IS NOT NULL THEN
        UPDATE coupon_code o SET claimed_by = owner, voucher_id = fresh WHERE o.code_hash = hash;
    END IF;
    RETURN QUERY SELECT NULL::text, fresh, true;
END
$$;
