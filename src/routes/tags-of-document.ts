// The groups of operations in the document, in the order a reader meets them.
export const TAGS = [
  { name: 'Customers', description: 'Profiles, search, merge and duplicates.' },
  { name: 'Addresses', description: 'Postal addresses of a customer.' },
  { name: 'Tags', description: 'Free words on customers.' },
  { name: 'Groups', description: 'Static groups of customers.' },
  { name: 'Segments', description: 'Named rules over customers: language, members, reasons.' },
  { name: 'Notes', description: 'Private notes with their history.' },
  { name: 'Tasks', description: 'What agents have to do, with a calendar feed.' },
  { name: 'Sales agents', description: 'People who look after customers.' },
  { name: 'Orders', description: 'What the store platform tells about orders.' },
  { name: 'Bulk actions', description: 'One action on many customers.' },
  { name: 'Imports', description: 'Files of customers, addresses and orders.' },
  { name: 'Jobs', description: 'Work that goes on after the answer.' },
  { name: 'Events', description: 'The change feed of the store.' },
  { name: 'Store', description: 'Settings and API keys.' },
  { name: 'Storefront', description: 'What the pages of the shop call.' },
  { name: 'Operations', description: 'Health, metrics and self-check.' },
];
