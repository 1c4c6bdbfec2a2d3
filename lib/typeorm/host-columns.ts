import type { Repository } from 'typeorm';
import { InvalidCredentialsError, JwtKnoxConfigurationError } from '../contracts/errors';
import { SESSION_COLUMNS } from '../contracts/session';
import { isForeignKeyViolation, isMissingValue } from './driver-errors';
import type { JwtKnoxSessionBase } from './session.entity';

type Rows = Pick<Repository<JwtKnoxSessionBase>, 'metadata'>;

/** The columns that an entity of the host's has beside the library's, and that an INSERT writes. */
function hostColumns({ metadata }: Rows) {
  const ours = new Set(SESSION_COLUMNS.map((name) => metadata.findColumnWithPropertyName(name)?.databaseName));
  return metadata.columns.filter(
    ({ databaseName, isInsert, isDiscriminator }) => !ours.has(databaseName) && isInsert && !isDiscriminator,
  );
}

const memberOf = ({ propertyPath }: { propertyPath: string }) => propertyPath.split('.')[0]!;

/** What is wrong with columns that a session is to be given, each with its remedy. */
export function columnProblems(rows: Rows, columns: object): string[] {
  const names = Object.keys(columns);
  if (names.length === 0) return [];
  const known = new Set(hostColumns(rows).map(memberOf));
  const strangers = names.filter((name) => !known.has(name));
  const remedy =
    known.size > 0
      ? `known are ${[...known].join(', ')}`
      : 'declare it in an entity of your own, and set that in typeOrm({ entity })';
  return strangers.map((name) => `${name}: the entity ${rows.metadata.name} has no such column to write; ${remedy}.`);
}

/** What the error of an INSERT of a session with these columns says. */
export function insertFailure(error: unknown, rows: Rows, columns: object): unknown {
  // With a foreign key to the host's users: the user was deleted while the login was under way.
  if (isForeignKeyViolation(error)) return new InvalidCredentialsError();
  const missing = isMissingValue(error) ? missingColumns(rows, columns) : [];
  if (missing.length === 0) return error;
  const remedy = 'return it from sessionColumns, and pass it as columns to issue, or make the column nullable';
  return new JwtKnoxConfigurationError(missing.map((name) => `${name}: a session needs a value for it; ${remedy}.`));
}

/** The columns that must not be null, that the database does not fill by itself, and that were not given. */
function missingColumns(rows: Rows, columns: object): string[] {
  const required = hostColumns(rows).filter(
    ({ isNullable, isGenerated, default: preset }) => !isNullable && !isGenerated && preset === undefined,
  );
  return required.map(memberOf).filter((name) => !Object.hasOwn(columns, name));
}
