// Ready-made mails about accounts: each answers something that somebody asked for, and says what to do if it was not you.
import {
  button,
  EXPIRY,
  EXPIRY_VARIABLE,
  framed,
  GREETING,
  heading,
  quiet,
  type ReadyMade,
  SIGNATURE,
  sureButton,
  text,
  when,
} from './frame.ts';

export const welcome: ReadyMade = {
  key: 'welcome',
  name: 'Welcome',
  class: 'transactional',
  subject: 'Welcome to {{ store.name }}',
  preheader: 'Your account is ready.',
  source: framed(
    'transactional',
    heading('Nice to have you here'),
    GREETING,
    text(
      'Your account at {{ store.name }} is ready. You can follow your orders there, keep your addresses and say which mails you would like.',
    ),
    when('links.shop', button('Have a look around', 'links.shop')),
    text('If there is anything you would like to know, simply answer this mail.'),
    SIGNATURE,
  ),
  variables: [],
};

export const invitation: ReadyMade = {
  key: 'invitation',
  name: 'Invitation to an account',
  class: 'transactional',
  subject: 'Your account at {{ store.name }}',
  preheader: 'Choose a password and you are in.',
  source: framed(
    'transactional',
    heading('Your account is waiting'),
    GREETING,
    text(
      'We have prepared an account for you at {{ store.name }}. Choose a password, and your orders and addresses are there already.',
    ),
    sureButton('Choose a password', 'links.accept'),
    EXPIRY,
    quiet('You did not expect this? Then you need not do anything: without a password there is no account.'),
    SIGNATURE,
  ),
  variables: [EXPIRY_VARIABLE],
};

export const passwordReset: ReadyMade = {
  key: 'password_reset',
  name: 'Password reset',
  class: 'transactional',
  subject: 'Set a new password for {{ store.name }}',
  preheader: 'The link works once.',
  source: framed(
    'transactional',
    heading('Set a new password'),
    GREETING,
    text(
      'Somebody, most likely you, asked for a new password for {{ customer.email | default: "your account" }}.',
    ),
    sureButton('Set a new password', 'links.reset'),
    EXPIRY,
    quiet('It was not you? Then you need not do anything. Your password stays as it is.'),
    SIGNATURE,
  ),
  variables: [EXPIRY_VARIABLE],
};

export const emailVerification: ReadyMade = {
  key: 'email_verification',
  name: 'Confirm the address of a registration',
  class: 'transactional',
  subject: 'Please confirm your address',
  preheader: 'One click and your account at {{ store.name }} is ready.',
  source: framed(
    'transactional',
    heading('Is this your address?'),
    GREETING,
    text(
      'Thank you for registering at {{ store.name }}. Please confirm that this address is yours; then your account is ready.',
    ),
    sureButton('Confirm the address', 'links.verify'),
    EXPIRY,
    quiet('You did not register? Then you need not do anything, and there will be no account.'),
    SIGNATURE,
  ),
  variables: [EXPIRY_VARIABLE],
};

export const emailChange: ReadyMade = {
  key: 'email_change',
  name: 'Confirm a new address',
  class: 'transactional',
  subject: 'Please confirm your new address',
  preheader: 'Until then everything goes to the old one.',
  source: framed(
    'transactional',
    heading('Your new address'),
    GREETING,
    text(
      'This is to be the new address of your account at {{ store.name }}. Please confirm it. Until then everything stays with the old one.',
    ),
    sureButton('Confirm the new address', 'links.confirm'),
    EXPIRY,
    quiet('You do not know of this? Then you need not do anything, and nothing changes.'),
    SIGNATURE,
  ),
  variables: [EXPIRY_VARIABLE],
};

export const emailChanged: ReadyMade = {
  key: 'email_changed',
  name: 'Notice of a new address',
  class: 'transactional',
  subject: 'The address of your account is to change',
  preheader: 'If that was not you, please tell us.',
  source: framed(
    'transactional',
    heading('A new address for your account'),
    GREETING,
    text(
      'Somebody who is logged in to your account at {{ store.name }} has asked to use another email address from now on.',
      'If that was you, there is nothing to do here: look for our mail at the new address.',
      'If it was not you, please answer this mail at once and change your password.',
    ),
    SIGNATURE,
  ),
  variables: [],
};

export const accountExists: ReadyMade = {
  key: 'account_exists',
  name: 'The account exists already',
  class: 'transactional',
  subject: 'You have an account at {{ store.name }} already',
  preheader: 'Log in, or set a new password.',
  source: framed(
    'transactional',
    heading('You have an account already'),
    GREETING,
    text(
      'Somebody, most likely you, tried to register at {{ store.name }} with this address. There is an account with it already, so you can simply log in.',
    ),
    when('links.login', button('Log in', 'links.login')),
    when(
      'links.reset',
      text(
        'You no longer know the password? <a class="link" href="{{ links.reset }}" style="color:{{ store.linkColor }}">Set a new one.</a>',
      ),
    ),
    quiet('It was not you? Then you need not do anything. Nobody has got into your account.'),
    SIGNATURE,
  ),
  variables: [],
};

export const consentConfirmation: ReadyMade = {
  key: 'consent_confirmation',
  name: 'Confirm a subscription',
  class: 'transactional',
  subject: 'Please confirm: mails from {{ store.name }}',
  preheader: 'One click, and you are on the list.',
  source: framed(
    'transactional',
    heading('One more click'),
    GREETING,
    text(
      'You asked for mails from {{ store.name }}. Please confirm that this address is yours and that you would like to get them.',
    ),
    when('data.wording', '<mj-text><em>{{ data.wording }}</em></mj-text>'),
    sureButton('Yes, send me mails', 'links.confirm'),
    quiet('You did not ask for this? Then you need not do anything, and you will get no mails.'),
    SIGNATURE,
  ),
  variables: [
    {
      name: 'data.wording',
      description: 'What was agreed to.',
      example: 'I would like to get the newsletter. I can end it at any time.',
    },
  ],
};
