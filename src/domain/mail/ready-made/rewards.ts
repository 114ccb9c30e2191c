// Ready-made mails about store credit, points and tiers, and the frame of what staff write themselves.
import {
  button,
  framed,
  framedAbove,
  GREETING,
  heading,
  PREFERENCES,
  panel,
  type ReadyMade,
  SIGNATURE,
  text,
  when,
} from './frame.ts';

export const creditGranted: ReadyMade = {
  key: 'credit_granted',
  name: 'Store credit granted',
  class: 'transactional',
  subject: 'You have {{ data | money }} of store credit',
  preheader: 'It is taken off when you next pay.',
  source: framed(
    'transactional',
    heading('Credit for you'),
    GREETING,
    text('We have added store credit to your account.'),
    panel(
      '<strong style="font-size:24px">{{ data | money }}</strong>{% if data.reason %}<br>{{ data.reason }}{% endif %}{% if data.expiresAt %}<br>Good until {{ data.expiresAt | date_local }}{% endif %}',
    ),
    text(
      'You can use it with your next order.{% if credit.balance %} In all you have {{ credit.balance | money }} now.{% endif %}',
    ),
    when('links.shop', button('To the shop', 'links.shop')),
    SIGNATURE,
  ),
  variables: [
    { name: 'data.amount', description: 'In the minor unit of the currency.', example: 1500 },
    { name: 'data.currency', description: 'Currency of the amount.', example: 'EUR' },
    {
      name: 'data.reason',
      description: 'Why, in words for the customer.',
      example: 'With apologies for the delay',
    },
    { name: 'data.expiresAt', description: 'When it ends.', example: '2026-12-31T22:59:59Z' },
  ],
};

export const pointsExpiring: ReadyMade = {
  key: 'points_expiring',
  name: 'Points expiring',
  class: 'transactional',
  subject: '{{ points.expiring }} of your points end soon',
  preheader: 'Good until {{ points.expiresAt | date_local }}.',
  source: framed(
    'transactional',
    heading('Use them while they last'),
    GREETING,
    text('Some of your {{ points.programme }} points end soon.'),
    panel(
      '<strong style="font-size:24px">{{ points.expiring }} points</strong><br>Good until {{ points.expiresAt | date_local }}',
    ),
    text('You have {{ points.balance }} points in all. Those that end first are used first.'),
    when('links.shop', button('Use your points', 'links.shop')),
    SIGNATURE,
  ),
  variables: [],
};

export const tierReached: ReadyMade = {
  key: 'tier_reached',
  name: 'Tier reached',
  class: 'transactional',
  subject: 'You are {{ tier.name }} now',
  preheader: 'What that brings you.',
  source: framed(
    'transactional',
    heading('Welcome to {{ tier.name }}'),
    GREETING,
    text('Thank you for being with us. From today on you are {{ tier.name }}, and this is what it brings:'),
    `<mj-text><ul style="margin:0;padding-left:20px">
{% if tier.multiplier > 1 %}<li>{{ tier.multiplier }} times the points for each purchase</li>{% endif %}
{% if tier.freeShipping %}<li>Free shipping</li>{% endif %}
<li>Our thanks, and a listening ear whenever you need one</li>
</ul></mj-text>`,
    when('tier.endsAt', text('It is yours until {{ tier.endsAt | date_local }}.')),
    when('links.shop', button('To the shop', 'links.shop')),
    SIGNATURE,
  ),
  variables: [],
};

export const direct: ReadyMade = {
  key: 'direct',
  name: 'Frame of direct mail',
  class: 'transactional',
  subject: '{{ data.subject }}',
  preheader: '',
  source: framedAbove(
    PREFERENCES,
    '<mj-raw>{% for paragraph in data.paragraphs %}</mj-raw>',
    text('{{ paragraph | newline_to_br }}'),
    '<mj-raw>{% endfor %}</mj-raw>',
  ),
  variables: [
    {
      name: 'data.subject',
      description: 'What staff wrote as subject.',
      example: 'Your question about the holder',
    },
    {
      name: 'data.paragraphs',
      description: 'What staff wrote, cut at empty lines.',
      example: ['Hello Ada,', 'the holder takes candles of up to 25 mm.', 'Kind regards\nMira'],
    },
  ],
};
