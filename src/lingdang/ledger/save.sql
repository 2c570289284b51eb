-- Writes what a batch changed. Arrays come as text where a row's column is itself an array or JSON.
-- The customers were locked by ledger_load: each wallet is where it was found and as it was left. A count that is off
-- means that something else has written, and nothing is written here. One plan, as in ledger_load.
CREATE OR REPLACE FUNCTION ledger_save(
    b smallint, moment timestamptz,
    w_customer text[], w_currency text[], w_balance bigint[], w_seq bigint[], w_lots text[], w_remaining text[],
    w_expiry timestamptz[], w_place tid[], w_before bigint[],
    t_customer text[], t_currency text[], t_seq bigint[], t_kind text[], t_reference text[], t_amount bigint[],
    t_balance bigint[], t_accounts text[], t_amounts text[],
    t_order uuid[], t_discount bigint[], t_lines text[], t_coupons text[],
    t_products text[],
    c_customer text[], c_credit text[], c_currency text[], c_seq bigint[], c_amount bigint[], c_kind text[],
    c_expires timestamptz[], c_reason text[], c_balance bigint[],
    v_customer text[], v_id uuid[], v_order uuid[], v_saved bigint[]
) RETURNS void LANGUAGE plpgsql SET lock_timeout = '3s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    written bigint;
    inserted bigint := 0;
BEGIN
    UPDATE wallet w
       SET balance = n.balance, seq = n.seq, lots = n.lots::text[], remaining = n.remaining::bigint[],
           next_expiry = n.expiry
      FROM unnest(w_customer, w_currency, w_balance, w_seq, w_lots, w_remaining, w_expiry, w_place, w_before)
           AS n (customer_id, currency, balance, seq, lots, remaining, expiry, place, before)
     WHERE w.ctid = n.place
       AND w.bucket = b AND w.customer_id = n.customer_id AND w.currency = n.currency AND w.seq = n.before;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written < cardinality(w_customer) THEN
        INSERT INTO wallet (bucket, customer_id, currency, balance, seq, lots, remaining, next_expiry)
        SELECT b, n.customer_id, n.currency, n.balance, n.seq, n.lots::text[], n.remaining::bigint[], n.expiry
          FROM unnest(w_customer, w_currency, w_balance, w_seq, w_lots, w_remaining, w_expiry, w_before)
               AS n (customer_id, currency, balance, seq, lots, remaining, expiry, before)
         WHERE n.before = 0;
        GET DIAGNOSTICS inserted = ROW_COUNT;
    END IF;
    IF written + inserted <> cardinality(w_customer) THEN
        RAISE EXCEPTION 'ledger_save: % of % wallets written', written + inserted, cardinality(w_customer);
    END IF;
    INSERT INTO transfer (amount, balance, at, discount, seq, bucket, customer_id, currency, kind, amounts, accounts,
                          reference, order_id, lines, coupons)
    SELECT n.amount, n.balance, moment, n.discount, n.seq, b, n.customer, n.currency, n.kind, n.amounts::bigint[],
           n.accounts::json, n.reference, n.id, n.lines::json, n.coupons::json
      FROM unnest(t_customer, t_currency, t_seq, t_kind, t_reference, t_amount, t_balance, t_accounts, t_amounts,
                  t_order, t_discount, t_lines, t_coupons)
           AS n (customer, currency, seq, kind, reference, amount, balance, accounts, amounts,
                 id, discount, lines, coupons);
    INSERT INTO entitlement (bucket, customer_id, product_id, order_id)
    SELECT b, n.customer, unnest(n.products::text[]), n.id
      FROM unnest(t_customer, t_products, t_order) AS n (customer, products, id);
    IF cardinality(v_id) > 0 THEN
        UPDATE voucher v SET used_by = n.used_by, used_at = moment, saved = n.saved
          FROM (
               SELECT n.used_by, n.saved, o.place
                 FROM unnest(v_customer, v_id, v_order, v_saved) AS n (customer_id, voucher_id, used_by, saved)
                CROSS JOIN LATERAL (
                      SELECT o.ctid AS place FROM voucher o
                       WHERE o.bucket = b AND o.customer_id = n.customer_id AND o.voucher_id = n.voucher_id LIMIT 1
                      ) o
               ) n
         WHERE v.ctid = n.place AND v.used_by IS NULL AND v.expires_at > moment;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> cardinality(v_id) THEN
            RAISE EXCEPTION 'ledger_save: % of % vouchers used', written, cardinality(v_id);
        END IF;
    END IF;
    IF cardinality(c_credit) > 0 THEN
        INSERT INTO credit (bucket, customer_id, credit_id, currency, seq, amount, kind, expires_at, reason, balance,
                            credited_at)
        SELECT b, n.customer, n.id, n.currency, n.seq, n.amount, n.kind, n.expires, n.reason, n.balance, moment
          FROM unnest(c_customer, c_credit, c_currency, c_seq, c_amount, c_kind, c_expires, c_reason, c_balance)
               AS n (customer, id, currency, seq, amount, kind, expires, reason, balance);
    END IF;
END
$$;
