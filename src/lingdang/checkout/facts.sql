-- Reads what a batch of checkouts is priced with, in one snapshot. Answers JSON in the shape of
-- lingdang.checkout.reading.FactsAnswer. One plan, as in ledger_load. Being STABLE, the function sees one snapshot:
-- what is remembered in this version of the catalogue is as it is here.
--
-- Each of `holders` has up to `most` vouchers here, newest first, with those that expired in the last 30 days. A hand
-- with more is looked through again for live ones alone: of every coupon first the soonest to expire, then the next.
-- `named` vouchers are read by their ids, whatever became of them.
CREATE OR REPLACE FUNCTION checkout_facts(
    b smallint, moment timestamptz, oldest uuid, most integer,
    customers bigint[], sessions uuid[], holders bigint[], named_customers bigint[], named_vouchers uuid[],
    line_customers bigint[], line_products text[], unknown text[]
) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
    hands json; buyer_ids bigint[]; coupon_ids text; crowded bigint[]; picked json; picked_ids text;
    named json; named_buyers bigint[]; named_ids text; coupons json; firsts boolean; buyers json;
    ended json; version uuid; products json; owned json; wallets json;
BEGIN
    -- Ids of coupons have no spaces.
    SELECT json_agg(json_build_array(h.customer, v.vouchers)), array_agg(h.customer),
           string_agg(v.coupon_ids, ' '), array_agg(h.customer) FILTER (WHERE v.held > most)
      INTO hands, buyer_ids, coupon_ids, crowded
      FROM unnest(holders) AS h (customer)
     CROSS JOIN LATERAL (
           SELECT json_agg(json_build_array(v.voucher_id, v.coupon_id, v.expires_at)) AS vouchers, count(*) AS held,
                  string_agg(v.coupon_id, ' ') AS coupon_ids
             FROM (
                  SELECT v.voucher_id, v.coupon_id, v.expires_at FROM voucher v
                   WHERE v.bucket = b AND v.customer = h.customer AND v.voucher_id >= oldest
                     AND v.used_by IS NULL AND v.expires_at > moment - interval '30 days'
                   ORDER BY v.voucher_id DESC LIMIT most + 1
                  ) v
           HAVING count(*) > 0
           ) v;
    IF crowded IS NOT NULL THEN
        SELECT json_agg(json_build_array(h.customer, v.vouchers, v.held)), string_agg(v.coupon_ids, ' ')
          INTO picked, picked_ids
          FROM unnest(crowded) AS h (customer)
         CROSS JOIN LATERAL (
               SELECT coalesce(json_agg(json_build_array(v.voucher_id, v.coupon_id, v.expires_at)), '[]') AS vouchers,
                      coalesce(max(v.held), 0) AS held, string_agg(v.coupon_id, ' ') AS coupon_ids
                 FROM (
                      SELECT v.*, count(*) OVER () AS held
                        FROM (
                             SELECT v.*, row_number() OVER (
                                        PARTITION BY v.coupon_id ORDER BY v.expires_at, v.voucher_id) AS place
                               FROM (
                                    SELECT v.voucher_id, v.coupon_id, v.expires_at FROM voucher v
                                     WHERE v.bucket = b AND v.customer = h.customer AND v.voucher_id >= oldest
                                       AND v.used_by IS NULL AND v.expires_at > moment
                                       AND EXISTS (
                                           SELECT FROM coupon c
                                            WHERE c.coupon_id = v.coupon_id AND c.status = 'active')
                                     ORDER BY v.voucher_id DESC LIMIT 10000
                                    ) v
                             ) v
                       ORDER BY v.place, v.coupon_id LIMIT most
                      ) v
               ) v;
    END IF;
    IF cardinality(named_vouchers) > 0 THEN
        SELECT json_agg(json_build_array(v.customer, v.voucher_id, v.coupon_id, v.expires_at, v.used)),
               array_agg(v.customer), string_agg(v.coupon_id, ' ')
          INTO named, named_buyers, named_ids
          FROM unnest(named_customers, named_vouchers) AS n (customer, voucher_id)
         CROSS JOIN LATERAL (
               SELECT v.customer, v.voucher_id, v.coupon_id, v.expires_at, v.used_by IS NOT NULL AS used
                 FROM voucher v
                WHERE v.bucket = b AND v.customer = n.customer AND v.voucher_id = n.voucher_id LIMIT 1
               ) v;
    END IF;
    -- What only vouchers ask for is read only where one is held.
    IF hands IS NOT NULL OR named IS NOT NULL THEN
        SELECT json_agg(json_build_array(c.coupon_id, c.status, c.fingerprint)), bool_or(c.first_purchase)
          INTO coupons, firsts
          FROM (
               SELECT DISTINCT n.coupon_id
                 FROM unnest(string_to_array(concat_ws(' ', coupon_ids, picked_ids, named_ids), ' ')) AS n (coupon_id)
               ) h
         CROSS JOIN LATERAL (SELECT c.* FROM coupon c WHERE c.coupon_id = h.coupon_id LIMIT 1) c;
        SELECT json_agg(json_build_array(
                   h.customer,
                   -- As ledger_load finds it out.
                   (firsts AND (
                        SELECT true
                          FROM entitlement e
                         CROSS JOIN LATERAL (
                               SELECT FROM transfer t
                                WHERE t.bucket = b AND t.customer = e.customer AND t.seq = e.granted_by
                                  AND t.kind = 'payment' AND t.amount < 0 LIMIT 1
                               ) t
                         WHERE e.bucket = b AND e.customer = h.customer LIMIT 1)) IS NOT TRUE,
                   coalesce(c.groups, '{}')))
          INTO buyers
          FROM (
               SELECT DISTINCT n.customer FROM unnest(buyer_ids || named_buyers) AS n (customer)
               ) h
          LEFT JOIN LATERAL (
               SELECT c.groups FROM customer c WHERE c.customer = h.customer LIMIT 1
               ) c ON true;
    END IF;
    SELECT json_agg(c.session_id) INTO ended
      FROM unnest(customers, sessions) AS c (customer, session_id)
     CROSS JOIN LATERAL session_ended(b, c.customer, c.session_id) e;
    SELECT c.version, CASE WHEN cardinality(unknown) > 0 THEN products_read(unknown, true) END
      INTO version, products
      FROM catalogue c WHERE c.one;
    SELECT json_agg(json_build_array(e.customer, e.product_id)) INTO owned
      FROM unnest(line_customers, line_products) AS l (customer, product_id)
     CROSS JOIN LATERAL (
           SELECT e.customer, e.product_id FROM entitlement e
            WHERE e.bucket = b AND e.customer = l.customer AND e.product_id = l.product_id LIMIT 1
           ) e;
    SELECT json_agg(json_build_array(w.customer, w.currency, w.balance, w.seq, w.moved_at, w.lots, w.remaining,
                                     w.next_expiry, NULL, w.debt))
      INTO wallets FROM wallet w
     WHERE w.bucket = b AND w.customer = ANY (customers);
    RETURN json_build_object(
        'ended', coalesce(ended, '[]'), 'catalogue', version, 'products', coalesce(products, '[]'),
        'owned', coalesce(owned, '[]'), 'wallets', coalesce(wallets, '[]'),
        'hands', coalesce(hands, '[]'), 'picked', coalesce(picked, '[]'), 'named', coalesce(named, '[]'),
        'coupons', coalesce(coupons, '[]'), 'buyers', coalesce(buyers, '[]'));
END
$$;
