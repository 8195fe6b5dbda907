// Reads cases as NDJSON from the file named first ({"sdl"} on line one, then {"query","variables"} with variables as JSON
// text) and writes to the file named second, for each case, {"ok","values"} or {"ok":false,"errors"}.
import { readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, getVariableValues, parse, version } from 'graphql';

const [, , input, output] = process.argv;
const lines = readFileSync(input, 'utf8').split('\n').filter((line) => line !== '');
const schema = buildSchema(JSON.parse(lines[0]).sdl);
const out = [JSON.stringify({ version })];
for (const line of lines.slice(1)) {
  const { query, variables } = JSON.parse(line);
  try {
    const definitions = parse(query).definitions[0].variableDefinitions ?? [];
    const { errors, coerced } = getVariableValues(schema, definitions, JSON.parse(variables) ?? {});
    out.push(JSON.stringify(errors ? { ok: false, errors: errors.map((e) => e.message) } : { ok: true, values: coerced }));
  } catch (e) {
    out.push(JSON.stringify({ ok: false, errors: ['thrown: ' + e.message] }));
  }
}
writeFileSync(output, out.join('\n') + '\n');
