// The main flow with what openapi-generator makes for Go; see main-flow.ts.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"time"

	clientele "clientele.example/clientele/client"
)

// good stops the flow with what the service says to a call that it should have answered.
func good[Answer any, Response any](answer Answer, _ Response, err error) Answer {
	var refusal *clientele.GenericOpenAPIError
	if errors.As(err, &refusal) {
		log.Fatalf("%v: %s", err, refusal.Body())
	}
	if err != nil {
		log.Fatal(err)
	}
	return answer
}

// fresh is a word that nobody used before.
func fresh() string {
	word := make([]byte, 16)
	rand.Read(word)
	return hex.EncodeToString(word)
}

func expect(holds bool, expected string, got any) {
	if !holds {
		log.Fatalf("%s, not %v", expected, got)
	}
}

func main() {
	configuration := clientele.NewConfiguration()
	configuration.Servers = clientele.ServerConfigurations{{URL: os.Getenv("CLIENTELE_URL")}}
	client := clientele.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), clientele.ContextAccessToken, os.Getenv("CLIENTELE_TOKEN"))
	name := "flow-" + fresh()
	email := name + "@example.com"

	newcomer := clientele.NewCustomerCreate()
	newcomer.SetEmail(email)
	newcomer.SetAccountStatus("active")
	customer := good(client.CustomersAPI.CreateCustomer(ctx).CustomerCreate(*newcomer).Execute())
	expect(customer.GetEmail() == email, email, customer.GetEmail())
	tags := good(client.TagsAPI.AddCustomerTags(ctx, customer.Id).
		TagInput(clientele.TagInput{Tags: []string{name}}).Execute())
	expect(slices.Equal(tags.Added, []string{name}), name, tags.Added)

	moment := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	upsert := clientele.NewOrderUpsert("confirmed", "EUR", moment, moment,
		[]clientele.OrderItemInput{*clientele.NewOrderItemInput("Lantern", 2, 2495)}, 4990)
	upsert.Customer = &clientele.OrderUpsertCustomer{Id: *clientele.NewNullableString(&customer.Id)}
	order := good(client.OrdersAPI.PutOrder(ctx, name).OrderUpsert(*upsert).Execute())
	expect(order.Customer.GetId() == customer.Id && order.Total == 4990, "4990 by "+customer.Id, order)

	query := fmt.Sprintf("customer_tags CONTAINS '%s' AND number_of_orders = 1", name)
	segment := good(client.SegmentsAPI.CreateSegment(ctx).
		SegmentCreate(clientele.SegmentCreate{Name: name, Query: &query}).Execute())
	members := good(client.SegmentsAPI.ListSegmentCustomers(ctx, segment.Id).Execute()).Data
	expect(len(members) == 1 && members[0].Id == customer.Id, customer.Id, members)

	grant := clientele.NewCreditChange(2500, "EUR", "Parcel arrived late")
	key := fresh()
	for range 2 {
		granted := good(client.StoreCreditAPI.ChangeCredit(ctx, customer.Id).
			IdempotencyKey(key).CreditChange(*grant).Execute())
		expect(granted.Account.Available == 2500, "2500 once", granted.Account.Available)
	}
	redeem := func(amount int64) clientele.ApiRedeemCreditRequest {
		return client.StoreCreditAPI.RedeemCredit(ctx, customer.Id).
			IdempotencyKey(fresh()).CreditRedemption(*clientele.NewCreditRedemption(amount, "EUR"))
	}
	redeemed := good(redeem(1000).Execute())
	expect(redeemed.Account.Available == 1500, "1500", redeemed.Account.Available)
	_, _, err := redeem(1501).Execute()
	var refusal *clientele.GenericOpenAPIError
	expect(errors.As(err, &refusal), "a refusal", err)
	problem, isProblem := refusal.Model().(clientele.Problem)
	expect(isProblem && problem.Code == "INSUFFICIENT_CREDIT", "INSUFFICIENT_CREDIT", refusal.Model())

	templates := good(client.TemplatesAPI.ListTemplates(ctx).Key("special_offer").Execute()).Data
	expect(len(templates) == 1, "one template", templates)
	plan := clientele.NewCampaignCreate(name, templates[0].Id, "newsletter")
	plan.Audience = &clientele.CampaignAudience{SegmentIds: []string{segment.Id}}
	campaign := good(client.CampaignsAPI.CreateCampaign(ctx).CampaignCreate(*plan).Execute())
	simulation := good(client.CampaignsAPI.SimulateCampaign(ctx, campaign.Id).Execute())
	expect(simulation.Audience == 1, "an audience of 1", simulation.Audience)
}
