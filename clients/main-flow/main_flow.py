"""The main flow with what openapi-generator makes for Python; see main-flow.ts."""

import os
from datetime import datetime, timezone
from uuid import uuid4

import clientele_client as clientele

configuration = clientele.Configuration(
    host=os.environ["CLIENTELE_URL"], access_token=os.environ["CLIENTELE_TOKEN"]
)
client = clientele.ApiClient(configuration)
credit = clientele.StoreCreditApi(client)
name = f"flow-{uuid4()}"
moment = datetime(2026, 1, 1, 10, tzinfo=timezone.utc)


def redeem(amount: int) -> clientele.LedgerResult:
    redemption = clientele.CreditRedemption(amount=amount, currency="EUR")
    return credit.redeem_credit(customer.id, str(uuid4()), redemption)


customer = clientele.CustomersApi(client).create_customer(
    clientele.CustomerCreate(email=f"{name}@example.com", account_status="active")
)
assert customer.email == f"{name}@example.com"
tags = clientele.TagsApi(client).add_customer_tags(customer.id, clientele.TagInput(tags=[name]))
assert tags.added == [name]

order = clientele.OrdersApi(client).put_order(
    name,
    clientele.OrderUpsert(
        status="confirmed",
        currency="EUR",
        placed_at=moment,
        updated_at=moment,
        customer={"id": customer.id},
        items=[clientele.OrderItemInput(title="Lantern", quantity=2, unit_price=2495)],
        total=4990,
    ),
)
assert (order.customer.id, order.total) == (customer.id, 4990)

segments = clientele.SegmentsApi(client)
query = f"customer_tags CONTAINS '{name}' AND number_of_orders = 1"
segment = segments.create_segment(clientele.SegmentCreate(name=name, query=query))
assert [member.id for member in segments.list_segment_customers(segment.id).data] == [customer.id]

key = str(uuid4())
grant = clientele.CreditChange(amount=2500, currency="EUR", reason="Parcel arrived late")
assert credit.change_credit(customer.id, key, grant).account.available == 2500
assert credit.change_credit(customer.id, key, grant).account.available == 2500, "a repeat grants nothing"
assert redeem(1000).account.available == 1500
try:
    redeem(1501)
    raise AssertionError("it was not refused")
except clientele.ApiException as refusal:
    assert refusal.data.code == "INSUFFICIENT_CREDIT", refusal

[template] = clientele.TemplatesApi(client).list_templates(key="special_offer").data
campaigns = clientele.CampaignsApi(client)
campaign = campaigns.create_campaign(
    clientele.CampaignCreate(
        name=name,
        template_id=template.id,
        topic="newsletter",
        audience=clientele.CampaignAudience(segment_ids=[segment.id]),
    )
)
assert campaigns.simulate_campaign(campaign.id).audience == 1
