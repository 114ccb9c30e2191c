-- Row-level security, privileges and room on the pages of the ledger and of loyalty.
do $$
declare target text;
begin
  foreach target in array array[
    'ledger_accounts', 'transfers', 'transfer_notes', 'lots', 'allocations', 'overdrafts', 'holds', 'messages',
    'loyalty_programmes', 'loyalty_members', 'loyalty_earnings', 'loyalty_rewards', 'loyalty_redemptions', 'referrals'
  ] loop
    call protect_tenant_table(target::regclass);
  end loop;
end
$$;
--> statement-breakpoint
-- L1, P1: what was booked stays as it was, and so does a version of the programme. Corrections are new transfers.
revoke update, delete on transfers, allocations, loyalty_programmes from clientele_app;
--> statement-breakpoint
revoke delete on ledger_accounts, lots, overdrafts, holds, loyalty_earnings, loyalty_redemptions from clientele_app;
--> statement-breakpoint
-- The balance changes with every transfer and is in no index: with room on its page the row stays there (HOT).
alter table ledger_accounts set (fillfactor = 60);
--> statement-breakpoint
alter table lots set (fillfactor = 80);
