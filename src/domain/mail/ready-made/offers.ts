// Ready-made marketing: each has a way out, and says in one look what it is about.
import {
  button,
  framed,
  GREETING,
  heading,
  panel,
  quiet,
  type ReadyMade,
  SIGNATURE,
  text,
  when,
} from './frame.ts';

/** A code of one's own, where the campaign makes them. */
const OFFER_CODE = when(
  'offer.code',
  panel('Your code<br><strong style="font-size:20px;letter-spacing:1px">{{ offer.code }}</strong>'),
);

const PRODUCTS = `<mj-raw>{% for product in data.products %}</mj-raw>
<mj-table padding="0 32px 20px"><tr>{% if product.imageUrl %}<td width="112" style="vertical-align:top;padding:0 16px 0 0"><a href="{{ product.url }}"><img src="{{ product.imageUrl }}" alt="" width="96" style="display:block;width:96px;height:auto;border:0;border-radius:6px"></a></td>{% endif %}<td style="vertical-align:top"><a class="link" href="{{ product.url }}" style="color:{{ store.linkColor }};font-weight:600">{{ product.title }}</a>{% if product.price %}<br>{{ product.price | money }}{% endif %}</td></tr></mj-table>
<mj-raw>{% endfor %}</mj-raw>`;

export const productRecommendation: ReadyMade = {
  key: 'product_recommendation',
  name: 'Product recommendation',
  class: 'marketing',
  subject: 'Chosen for you{% if customer.firstName %}, {{ customer.firstName }}{% endif %}',
  preheader: 'A few things that might go well with what you have.',
  source: framed(
    'marketing',
    heading('Chosen for you'),
    GREETING,
    text('We looked at what you like and picked a few things that might go well with it.'),
    PRODUCTS,
    when('links.shop', button('See more', 'links.shop')),
    SIGNATURE,
  ),
  variables: [
    {
      name: 'data.products',
      description: 'Each with title, url and, if there are, imageUrl and price.',
      example: [
        {
          title: 'Brass candle holder',
          url: 'https://shop.example/products/holder',
          price: { amount: 3900, currency: 'EUR' },
        },
        {
          title: 'Beeswax tea lights, twelve',
          url: 'https://shop.example/products/tea-lights',
          price: { amount: 1450, currency: 'EUR' },
        },
      ],
    },
  ],
};

export const specialOffer: ReadyMade = {
  key: 'special_offer',
  name: 'Special offer',
  class: 'marketing',
  subject: '{{ data.headline }}',
  preheader:
    '{% if data.validUntil %}Until {{ data.validUntil | date_local: "weekday" }}.{% else %}At {{ store.name }}.{% endif %}',
  source: framed(
    'marketing',
    heading('{{ data.headline }}'),
    GREETING,
    text('{{ data.text | newline_to_br }}'),
    OFFER_CODE,
    when('links.shop', button('Take me there', 'links.shop')),
    when('data.validUntil', quiet('The offer is good until {{ data.validUntil | date_local }}.')),
    SIGNATURE,
  ),
  variables: [
    {
      name: 'data.headline',
      description: 'The offer in a few words; the subject too.',
      fallback: 'Something for you',
      example: '15% off all candles',
    },
    {
      name: 'data.text',
      description: 'The offer in a sentence or two.',
      fallback: 'We have put together an offer that we think you will like.',
      example:
        'From tea lights to pillars: this week every candle is 15% off. Just for you, because you were here before.',
    },
    { name: 'data.validUntil', description: 'Last day of the offer.', example: '2026-03-31' },
  ],
};

export const reEngagement: ReadyMade = {
  key: 're_engagement',
  name: 'Re-engagement',
  class: 'marketing',
  subject: 'It has been a while{% if customer.firstName %}, {{ customer.firstName }}{% endif %}',
  preheader: 'A lot is new at {{ store.name }}.',
  source: framed(
    'marketing',
    heading('It has been a while'),
    GREETING,
    text(
      'You have not been with us{% if customer.lastOrderAt %} since {{ customer.lastOrderAt | date_local }}{% else %} for some time{% endif %}. A lot is new here since then, and we would be glad to see you again.',
    ),
    OFFER_CODE,
    when('links.shop', button('See what is new', 'links.shop')),
    quiet('Would you rather not hear from us any more? One click on “Unsubscribe” below is enough.'),
    SIGNATURE,
  ),
  variables: [],
};

export const birthday: ReadyMade = {
  key: 'birthday',
  name: 'Birthday',
  class: 'marketing',
  subject: 'Happy birthday{% if customer.firstName %}, {{ customer.firstName }}{% endif %}!',
  preheader: 'All the best from {{ store.name }}.',
  source: framed(
    'marketing',
    heading('Happy birthday!'),
    GREETING,
    text(
      'Everybody at {{ store.name }} wishes you all the best. May the year be bright, the cake large and the day your own.',
    ),
    OFFER_CODE,
    when('offer.code', text('It is a small present: enter the code with your next order.')),
    when('links.shop', button('Choose something nice', 'links.shop')),
    SIGNATURE,
  ),
  variables: [],
};

export const survey: ReadyMade = {
  key: 'survey',
  name: 'Survey',
  class: 'marketing',
  subject: 'Two minutes for {{ store.name }}?',
  preheader: 'A few questions, and we read every answer.',
  source: framed(
    'marketing',
    heading('What do you think of us?'),
    GREETING,
    text(
      'We would like to do better, and you know best where. There are a few questions, it takes about two minutes, and we read every answer.',
    ),
    button('Answer the questions', 'links.survey'),
    SIGNATURE,
  ),
  variables: [],
};
