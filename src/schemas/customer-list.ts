// The wire contract of the customer list and its export.
import Type from 'typebox';
import { CUSTOMER_SORTS, type CustomerSort } from '../domain/customer-filter.ts';
import { customerFilter } from './customer-filter.ts';
import { closed, pageQuery, stringEnum } from './helpers.ts';

const sorts: CustomerSort[] = CUSTOMER_SORTS.flatMap((column) => [column, `-${column}` as const]);

const sort = {
  sort: Type.Optional(
    stringEnum(sorts, {
      description:
        'Column to sort by, with `-` descending; ties by id, missing values last either way. Default: by relevance with `q`, else `-createdAt`. `group` is the name of the primary group, `tags` the first tag by name.',
    }),
  ),
};

const count = {
  count: Type.Optional(
    stringEnum(['none', 'exact', 'estimate'], {
      default: 'none',
      description:
        '`total` of the answer: `exact` counts, `estimate` asks the query planner and costs nothing.',
    }),
  ),
};

const columns = {
  columns: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_.]+(,[A-Za-z0-9_.]+)*$',
      maxLength: 4096,
      description:
        'Columns of the file in this order, separated by commas; default all. Custom fields are `custom.<key>`.',
      examples: ['email,firstName,lastName,tags'],
    }),
  ),
};

export const CustomerListQuery = closed({ ...customerFilter, ...sort, ...pageQuery, ...count });
export const CustomerExportQuery = closed({ ...customerFilter, ...sort, ...columns });

/** The same for customers who are chosen by something else than filters. */
export const MemberListQuery = closed({ ...sort, ...pageQuery, ...count });
export const MemberExportQuery = closed({ ...sort, ...columns });

export const CustomersFile = Type.String({
  description:
    'CSV (RFC 4180, UTF-8) with one line per customer. An import of the same file changes nothing. Amounts are decimals in the currency of the store.',
});
