-- Writes what a batch changed, in four groups: wallets, rows of the journal with the rights that they grant, rights that
-- they revoke, vouchers that were used or, where nothing was saved, are given back. A payment writes its wallet, one row
-- of the journal (the order is a view of it), a right to each product, and its used vouchers. Arrays come as text where a row's
-- column is itself an array or JSON.
-- The customers were locked by ledger_load: each wallet is where it was found and as it was left. A count that is off
-- means that something else has written, and nothing is written here. One plan, as in ledger_load.
CREATE OR REPLACE FUNCTION ledger_write(
    b smallint, moment timestamptz,
    w_customer bigint[], w_currency text[], w_balance bigint[], w_seq integer[], w_moved timestamptz[], w_lots text[],
    w_remaining text[], w_expiry timestamptz[], w_place tid[], w_before integer[], w_debt bigint[],
    t_customer bigint[], t_currency text[], t_seq integer[], t_kind text[], t_amount bigint[], t_balance bigint[],
    t_at timestamptz[], t_accounts text[], t_amounts text[], t_cause uuid[], t_detail text[], t_granted text[],
    r_customer bigint[], r_product text[], r_granted_by integer[], r_unopened boolean[],
    v_customer bigint[], v_id uuid[], v_order uuid[], v_saved bigint[]
) RETURNS void LANGUAGE plpgsql SET lock_timeout = '3s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    written bigint;
    inserted bigint := 0;
    here bigint;
BEGIN
    SELECT e.shift + pg_current_xact_id()::text::bigint INTO here
      FROM journal_epoch e WHERE e.started = pg_postmaster_start_time() AND e.bucket = b;
    IF here IS NULL THEN
        -- A standby was promoted, or a server started behind PgBouncer: the next connection begins one.
        RAISE EXCEPTION 'ledger_write: no epoch was begun on this server' USING ERRCODE = 'cannot_connect_now';
    END IF;
    UPDATE wallet w
       SET balance = n.balance, seq = n.seq, moved_at = n.moved, lots = n.lots::text[], remaining = n.remaining::bigint[],
           next_expiry = n.expiry, debt = coalesce(n.debt, w.debt)
      FROM (
           -- The LIMIT cuts nothing off. It has the planner expect few rows and begin with them: a plan that was made
           -- while there was one wallet would begin with the wallets, and read all of them when they are a million.
           SELECT * FROM unnest(w_customer, w_currency, w_balance, w_seq, w_moved, w_lots, w_remaining, w_expiry, w_place,
                                w_before, w_debt)
                AS n (customer, currency, balance, seq, moved, lots, remaining, expiry, place, before, debt)
            LIMIT cardinality(w_customer)
           ) n
     WHERE w.ctid = n.place
       AND w.bucket = b AND w.customer = n.customer AND w.currency = n.currency AND w.seq = n.before;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written < cardinality(w_customer) THEN
        INSERT INTO wallet (bucket, customer, currency, balance, seq, moved_at, lots, remaining, next_expiry, debt)
        SELECT b, n.customer, n.currency, n.balance, n.seq, n.moved, n.lots::text[], n.remaining::bigint[], n.expiry,
               coalesce(n.debt, 0)
          FROM unnest(w_customer, w_currency, w_balance, w_seq, w_moved, w_lots, w_remaining, w_expiry, w_before,
                      w_debt)
               AS n (customer, currency, balance, seq, moved, lots, remaining, expiry, before, debt)
         WHERE n.before = 0;
        GET DIAGNOSTICS inserted = ROW_COUNT;
    END IF;
    IF written + inserted <> cardinality(w_customer) THEN
        RAISE EXCEPTION 'ledger_write: % of % wallets written', written + inserted, cardinality(w_customer);
    END IF;
    INSERT INTO transfer (amount, balance, at, position, customer, seq, bucket, currency, kind, amounts, accounts, cause,
                          detail)
    SELECT n.amount, n.balance, n.at, here, n.customer, n.seq, b, n.currency, n.kind, n.amounts::bigint[],
           n.accounts::json, n.cause, n.detail::json
      FROM unnest(t_customer, t_currency, t_seq, t_kind, t_amount, t_balance, t_at, t_accounts, t_amounts, t_cause,
                  t_detail)
           AS n (customer, currency, seq, kind, amount, balance, at, accounts, amounts, cause, detail);
    -- Revoked first: who gives a book back and buys it again in one batch has one right, by the later row.
    IF cardinality(r_product) > 0 THEN
        DELETE FROM entitlement e
         USING (
               SELECT o.place
                 FROM unnest(r_customer, r_product, r_granted_by, r_unopened)
                      AS n (customer, product_id, granted_by, unopened)
                CROSS JOIN LATERAL (
                      SELECT o.ctid AS place FROM entitlement o
                       WHERE o.bucket = b AND o.customer = n.customer AND o.product_id = n.product_id
                         AND o.granted_by = n.granted_by AND NOT (n.unopened AND o.opened_at IS NOT NULL) LIMIT 1
                      ) o
               ) n
         WHERE e.ctid = n.place AND e.bucket = b;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> cardinality(r_product) THEN
            RAISE EXCEPTION 'ledger_write: % of % rights revoked', written, cardinality(r_product);
        END IF;
        -- They were put into the cart before they were bought, and nobody has asked to buy them again.
        PERFORM cart_lock(n.customer) FROM (SELECT DISTINCT unnest(r_customer) AS customer ORDER BY 1) n;
        DELETE FROM cart_item i
         USING (
               SELECT o.place
                 FROM unnest(r_customer, r_product) AS n (customer, product_id)
                CROSS JOIN LATERAL (
                      SELECT o.ctid AS place FROM cart_item o
                       WHERE o.bucket = b AND o.customer = n.customer AND o.product_id = n.product_id LIMIT 1
                      ) o
               ) n
         WHERE i.ctid = n.place AND i.bucket = b;
    END IF;
    INSERT INTO entitlement (customer, granted_by, bucket, product_id)
    SELECT n.customer, n.seq, b, unnest(n.granted::text[])
      FROM unnest(t_customer, t_seq, t_granted) AS n (customer, seq, granted);
    IF cardinality(v_id) > 0 THEN
        UPDATE voucher v
           SET used_by = CASE WHEN n.saved IS NOT NULL THEN n.order_id END,
               used_at = CASE WHEN n.saved IS NOT NULL THEN moment END, saved = n.saved
          FROM (
               SELECT n.order_id, n.saved, o.place
                 FROM unnest(v_customer, v_id, v_order, v_saved) AS n (customer, voucher_id, order_id, saved)
                CROSS JOIN LATERAL (
                      SELECT o.ctid AS place FROM voucher o
                       WHERE o.bucket = b AND o.customer = n.customer AND o.voucher_id = n.voucher_id LIMIT 1
                      ) o
               ) n
         WHERE v.ctid = n.place AND v.bucket = b
           AND CASE WHEN n.saved IS NULL THEN v.used_by = n.order_id
                    ELSE v.used_by IS NULL AND v.expires_at > moment END;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> cardinality(v_id) THEN
            RAISE EXCEPTION 'ledger_write: % of % vouchers used or given back', written, cardinality(v_id);
        END IF;
    END IF;
END
$$;
