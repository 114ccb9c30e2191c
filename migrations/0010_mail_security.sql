-- Row-level security and privileges of accounts, consent, mails and campaigns; what the sweeper may see of all stores.
do $$
declare target text;
begin
  foreach target in array array[
    'credentials', 'account_tokens', 'registrations', 'invitations', 'sessions', 'refresh_tokens', 'login_throttles',
    'identity_providers', 'linked_identities', 'identity_logins', 'topics', 'consent_wordings', 'consent_events',
    'consents', 'message_attempts', 'message_clicks', 'suppressions', 'templates', 'template_versions', 'campaigns',
    'campaign_simulations', 'campaign_paces'
  ] loop
    call protect_tenant_table(target::regclass);
  end loop;
end
$$;
--> statement-breakpoint
-- What was agreed to, and what was sent, stays as it was.
revoke update, delete on consent_events, consent_wordings from clientele_app;
--> statement-breakpoint
revoke update on template_versions from clientele_app;
--> statement-breakpoint
-- Stores in which a mail is due, a lease is over or a campaign is open; ids only, for the sweeper.
create function stores_with_mail_due(at timestamptz) returns table (store_id uuid)
language sql stable security definer set search_path = pg_catalog, public as $$
  select m.store_id from messages m
    where m.campaign_id is null and m.status in ('pending', 'ready', 'deferred', 'sending') and m.send_after <= at
  union
  select m.store_id from messages m where m.status = 'sending' and m.lease_until <= at
  union
  select c.store_id from campaigns c where c.status in ('scheduled', 'preparing', 'running') and c.starts_at <= at
$$;
--> statement-breakpoint
revoke execute on function stores_with_mail_due(timestamptz) from public;
--> statement-breakpoint
grant execute on function stores_with_mail_due(timestamptz) to clientele_app;
--> statement-breakpoint
-- Room on each page for taking a mail (HOT), and for its way from ready over sending to sent.
alter table messages set (fillfactor = 60);
