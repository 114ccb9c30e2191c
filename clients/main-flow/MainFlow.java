import clientele.client.ApiClient;
import clientele.client.ApiException;
import clientele.client.api.CampaignsApi;
import clientele.client.api.CustomersApi;
import clientele.client.api.OrdersApi;
import clientele.client.api.SegmentsApi;
import clientele.client.api.StoreCreditApi;
import clientele.client.api.TagsApi;
import clientele.client.api.TemplatesApi;
import clientele.client.model.CampaignAudience;
import clientele.client.model.CampaignCreate;
import clientele.client.model.CreditChange;
import clientele.client.model.CreditRedemption;
import clientele.client.model.CustomerCreate;
import clientele.client.model.OrderItemInput;
import clientele.client.model.OrderUpsert;
import clientele.client.model.OrderUpsertCustomer;
import clientele.client.model.Problem;
import clientele.client.model.SegmentCreate;
import clientele.client.model.TagInput;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;

/** The main flow with what openapi-generator makes for Java; see main-flow.ts. */
public final class MainFlow {
  private static void expect(Object expected, Object got) {
    if (!expected.equals(got)) throw new AssertionError(expected + ", not " + got);
  }

  public static void main(String[] args) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(System.getenv("CLIENTELE_URL"));
    client.setRequestInterceptor(
        request -> request.header("Authorization", "Bearer " + System.getenv("CLIENTELE_TOKEN")));
    String name = "flow-" + UUID.randomUUID();

    var newcomer =
        new CustomerCreate()
            .email(name + "@example.com")
            .accountStatus(CustomerCreate.AccountStatusEnum.ACTIVE);
    var customer = new CustomersApi(client).createCustomer(newcomer, null);
    expect(name + "@example.com", customer.getEmail());
    UUID id = customer.getId();
    var tags = new TagsApi(client).addCustomerTags(id, new TagInput().addTagsItem(name), null, null);
    expect(List.of(name), List.copyOf(tags.getAdded()));

    OffsetDateTime moment = OffsetDateTime.parse("2026-01-01T10:00:00Z");
    var upsert =
        new OrderUpsert()
            .status(OrderUpsert.StatusEnum.CONFIRMED)
            .currency("EUR")
            .placedAt(moment)
            .updatedAt(moment)
            .customer(new OrderUpsertCustomer().id(id))
            .addItemsItem(new OrderItemInput().title("Lantern").quantity(2).unitPrice(2495L))
            .total(4990L);
    var order = new OrdersApi(client).putOrder(name, upsert);
    expect(id, order.getCustomer().getId());
    expect(4990L, order.getTotal());

    var segments = new SegmentsApi(client);
    String query = "customer_tags CONTAINS '" + name + "' AND number_of_orders = 1";
    var segment = segments.createSegment(new SegmentCreate().name(name).query(query), null);
    var members = segments.listSegmentCustomers(segment.getId(), null, null, null, null).getData();
    expect(1, members.size());
    expect(id, members.get(0).getId());

    var credit = new StoreCreditApi(client);
    var grant = new CreditChange().amount(2500L).currency("EUR").reason("Parcel arrived late");
    String key = UUID.randomUUID().toString();
    expect(2500L, credit.changeCredit(id, key, grant).getAccount().getAvailable());
    expect(2500L, credit.changeCredit(id, key, grant).getAccount().getAvailable());
    var redeemed = credit.redeemCredit(id, UUID.randomUUID().toString(), redemption(1000L));
    expect(1500L, redeemed.getAccount().getAvailable());
    try {
      credit.redeemCredit(id, UUID.randomUUID().toString(), redemption(1501L));
      throw new AssertionError("it was not refused");
    } catch (ApiException refusal) {
      Problem problem = ApiClient.createDefaultObjectMapper().readValue(refusal.getResponseBody(), Problem.class);
      expect(Problem.CodeEnum.INSUFFICIENT_CREDIT, problem.getCode());
    }

    var templates = new TemplatesApi(client).listTemplates(null, null, "special_offer", null, null, null).getData();
    expect(1, templates.size());
    var campaigns = new CampaignsApi(client);
    var plan =
        new CampaignCreate()
            .name(name)
            .templateId(templates.get(0).getId())
            .topic("newsletter")
            .audience(new CampaignAudience().segmentIds(List.of(segment.getId())));
    var campaign = campaigns.createCampaign(plan, null);
    expect(1L, campaigns.simulateCampaign(campaign.getId(), null).getAudience());
  }

  private static CreditRedemption redemption(long amount) {
    return new CreditRedemption().amount(amount).currency("EUR");
  }
}
