// Ready-made mails about orders.
import {
  button,
  framed,
  GREETING,
  heading,
  link,
  ORDER_TABLE,
  panel,
  quiet,
  type ReadyMade,
  SHIPPING_ADDRESS,
  SIGNATURE,
  text,
  when,
} from './frame.ts';

export const orderConfirmation: ReadyMade = {
  key: 'order_confirmation',
  name: 'Order confirmation',
  class: 'transactional',
  subject: 'Your order {{ order.number }}',
  preheader: 'Thank you! This is what you ordered.',
  source: framed(
    'transactional',
    heading('Thank you for your order'),
    GREETING,
    text(
      'We have got your order {{ order.number }} of {{ order.placedAt | date_local }} and will let you know as soon as it is on its way.',
    ),
    ORDER_TABLE,
    SHIPPING_ADDRESS,
    when('links.order', button('See the order', 'links.order')),
    text('Is something not right? Simply answer this mail.'),
    SIGNATURE,
  ),
  variables: [],
};

export const shippingUpdate: ReadyMade = {
  key: 'shipping_update',
  name: 'Shipping update',
  class: 'transactional',
  subject: 'Your order {{ order.number }} is on its way',
  preheader: 'It has left us{% if data.carrier %} with {{ data.carrier }}{% endif %}.',
  source: framed(
    'transactional',
    heading('On its way to you'),
    GREETING,
    text(
      'Your order {{ order.number }} has left us{% if data.carrier %} with {{ data.carrier }}{% endif %}.{% if data.expectedAt %} It should be with you on {{ data.expectedAt | date_local: "weekday" }}.{% endif %}',
    ),
    when('data.trackingNumber', panel('Tracking number<br><strong>{{ data.trackingNumber }}</strong>')),
    when('links.tracking', button('Follow the parcel', 'links.tracking')),
    SHIPPING_ADDRESS,
    SIGNATURE,
  ),
  variables: [
    { name: 'data.carrier', description: 'Who brings it.', example: 'DHL' },
    { name: 'data.trackingNumber', description: 'Number of the parcel.', example: '00340434161094022115' },
    { name: 'data.expectedAt', description: 'Day on which it should arrive.', example: '2026-03-05' },
  ],
};

export const delayNotice: ReadyMade = {
  key: 'delay_notice',
  name: 'Delay notice',
  class: 'transactional',
  subject: 'Your order {{ order.number }} takes a little longer',
  preheader: 'We are sorry. This is what we know.',
  source: framed(
    'transactional',
    heading('It takes a little longer'),
    GREETING,
    text(
      'Your order {{ order.number }} is not with you as soon as we said, and we are sorry about that.{% if data.reason %} {{ data.reason }}{% endif %}',
    ),
    when(
      'data.expectedAt',
      panel('We now expect it on<br><strong>{{ data.expectedAt | date_local: "weekday" }}</strong>'),
    ),
    text(
      'You do not want to wait that long? Answer this mail, and we will cancel the order or find another way.',
    ),
    when('links.order', text(`${link('links.order', 'See the order')}`)),
    SIGNATURE,
  ),
  variables: [
    {
      name: 'data.reason',
      description: 'Why, in a sentence.',
      example: 'The candles are poured by hand, and this week everybody wanted some.',
    },
    { name: 'data.expectedAt', description: 'Day on which it should arrive.', example: '2026-03-12' },
  ],
};

export const thankYou: ReadyMade = {
  key: 'thank_you',
  name: 'Thank you after a purchase',
  class: 'transactional',
  subject: 'Thank you{% if customer.firstName %}, {{ customer.firstName }}{% endif %}',
  preheader: 'It means a lot to us that you bought from {{ store.name }}.',
  source: framed(
    'transactional',
    heading('Thank you'),
    GREETING,
    text(
      'We hope that everything of your order{% if order.number %} {{ order.number }}{% endif %} is as you wished. It means a lot to us that you bought from {{ store.name }}.',
      'If something is not quite right, or if there is anything we could do better, answer this mail. A person reads it.',
    ),
    SIGNATURE,
  ),
  variables: [],
};

export const reviewRequest: ReadyMade = {
  key: 'review_request',
  name: 'Review request',
  class: 'marketing',
  subject: 'How do you like it?',
  preheader: 'Your words help others to choose.',
  source: framed(
    'marketing',
    heading('How do you like it?'),
    GREETING,
    text(
      'Your order{% if order.number %} {{ order.number }}{% endif %} has been with you for a while now. Would you tell others how you like it? Two sentences are plenty.',
    ),
    button('Write a review', 'links.review'),
    quiet('You are not happy with something? Answer this mail, and we will put it right.'),
    SIGNATURE,
  ),
  variables: [],
};
