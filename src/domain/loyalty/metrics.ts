// What the numbers of a programme mean (P10): each is one count divided by another, and says which.

/** One ratio; `numerator` and `denominator` are the names of the two counts. */
export interface LoyaltyMetric {
  key: string;
  numerator: string;
  denominator: string;
  definition: string;
}

/** P10, in the order in which reports show them. */
export const LOYALTY_METRICS = [
  {
    key: 'enrolmentRate',
    numerator: 'members',
    denominator: 'eligibleCustomers',
    definition: 'Customers in the programme, of all customers who are not merged, erased or disabled.',
  },
  {
    key: 'redemptionRate',
    numerator: 'pointsRedeemed',
    denominator: 'pointsIssued',
    definition:
      'Points captured for rewards, less those given back, of all points issued, less those reversed by refunds.',
  },
  {
    key: 'redeemingMembersRate',
    numerator: 'membersWhoRedeemed',
    denominator: 'members',
    definition: 'Members who ever redeemed points for a reward that was not given back, of all members.',
  },
  {
    key: 'referralConversion',
    numerator: 'referralsQualified',
    denominator: 'referralsInvited',
    definition: 'Referrals that are qualified or rewarded, of all referrals.',
  },
  {
    key: 'memberRepeatRate',
    numerator: 'membersWithTwoOrders',
    denominator: 'membersWithOrder',
    definition: 'Members with at least two counted orders, of the members with at least one.',
  },
  {
    key: 'otherRepeatRate',
    numerator: 'othersWithTwoOrders',
    denominator: 'othersWithOrder',
    definition:
      'Customers outside the programme with at least two counted orders, of those with at least one.',
  },
  {
    key: 'breakageRate',
    numerator: 'pointsExpired',
    denominator: 'pointsIssued',
    definition: 'Points that expired unused, of all points issued, less those reversed by refunds.',
  },
  {
    key: 'liabilityRate',
    numerator: 'pointsOutstanding',
    denominator: 'pointsIssued',
    definition:
      'Points that customers have, pending ones included, of all points issued, less those reversed by refunds.',
  },
] as const satisfies readonly LoyaltyMetric[];
/** The counts that metrics divide. */
export type LoyaltyCount = (typeof LOYALTY_METRICS)[number]['numerator' | 'denominator'];

/** The ratio with four decimals; null when there is nothing to divide by. */
export function ratioOf(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : Math.round((numerator / denominator) * 10_000) / 10_000;
}
