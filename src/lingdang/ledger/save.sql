-- What workers of the version before call, which know of no debts: those stay as they are. Kept for one release.
CREATE OR REPLACE FUNCTION ledger_save(
    b smallint, moment timestamptz,
    w_customer bigint[], w_currency text[], w_balance bigint[], w_seq integer[], w_moved timestamptz[], w_lots text[],
    w_remaining text[], w_expiry timestamptz[], w_place tid[], w_before integer[],
    t_customer bigint[], t_currency text[], t_seq integer[], t_kind text[], t_amount bigint[], t_balance bigint[],
    t_at timestamptz[], t_accounts text[], t_amounts text[], t_cause uuid[], t_detail text[], t_granted text[],
    r_customer bigint[], r_product text[], r_granted_by integer[], r_unopened boolean[],
    v_customer bigint[], v_id uuid[], v_order uuid[], v_saved bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_write(
        b, moment,
        w_customer, w_currency, w_balance, w_seq, w_moved, w_lots, w_remaining, w_expiry, w_place, w_before, NULL,
        t_customer, t_currency, t_seq, t_kind, t_amount, t_balance, t_at, t_accounts, t_amounts, t_cause, t_detail,
        t_granted, r_customer, r_product, r_granted_by, r_unopened, v_customer, v_id, v_order, v_saved);
END
$$;
