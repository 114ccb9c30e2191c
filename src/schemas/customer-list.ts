// The wire contract of the customer list and its export.
import Type from 'typebox';
import { CUSTOMER_SORTS, type CustomerSort } from '../domain/customer-filter.ts';
import { customerFilter } from './customer-filter.ts';
import { closed, pageQuery, stringEnum } from './helpers.ts';

const sorts: CustomerSort[] = CUSTOMER_SORTS.flatMap((column) => [column, `-${column}` as const]);

const shown = {
  ...customerFilter,
  sort: Type.Optional(
    stringEnum(sorts, {
      description:
        'Column to sort by, with `-` descending; ties by id, missing values last either way. Default: by relevance with `q`, else `-createdAt`. `group` is the name of the primary group, `tags` the first tag by name.',
    }),
  ),
};

export const CustomerListQuery = closed({
  ...shown,
  ...pageQuery,
  count: Type.Optional(
    stringEnum(['none', 'exact', 'estimate'], {
      default: 'none',
      description:
        '`total` of the answer: `exact` counts, `estimate` asks the query planner and costs nothing.',
    }),
  ),
});

export const CustomerExportQuery = closed({
  ...shown,
  columns: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_.]+(,[A-Za-z0-9_.]+)*$',
      maxLength: 4096,
      description:
        'Columns of the file in this order, separated by commas; default all. Custom fields are `custom.<key>`.',
      examples: ['email,firstName,lastName,tags'],
    }),
  ),
});
