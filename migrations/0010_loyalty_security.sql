-- Row-level security and privileges of loyalty.
do $$
declare target text;
begin
  foreach target in array array[
    'loyalty_programmes', 'loyalty_members', 'loyalty_earnings', 'loyalty_rewards', 'loyalty_redemptions', 'referrals'
  ] loop
    call protect_tenant_table(target::regclass);
  end loop;
end
$$;
--> statement-breakpoint
-- P1: a version of the programme never changes.
revoke update, delete on loyalty_programmes from clientele_app;
--> statement-breakpoint
revoke delete on loyalty_earnings, loyalty_redemptions from clientele_app;
