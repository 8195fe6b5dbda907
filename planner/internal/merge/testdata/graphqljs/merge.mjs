// Reads cases as NDJSON from the file named first ({"sdl"} on line one, then {"document"}) and writes to the file named
// second, for each case, {"ok","errors"}: what the overlapping-fields rule alone says of the document.
import { readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, OverlappingFieldsCanBeMergedRule, parse, validate, version } from 'graphql';

const [, , input, output] = process.argv;
const lines = readFileSync(input, 'utf8').split('\n').filter((line) => line !== '');
const schema = buildSchema(JSON.parse(lines[0]).sdl);
const out = [JSON.stringify({ version })];
for (const line of lines.slice(1)) {
  const { document } = JSON.parse(line);
  try {
    const errors = validate(schema, parse(document), [OverlappingFieldsCanBeMergedRule]);
    out.push(JSON.stringify({ ok: errors.length === 0, errors: errors.map((e) => e.message) }));
  } catch (e) {
    out.push(JSON.stringify({ ok: false, errors: ['thrown: ' + e.message] }));
  }
}
writeFileSync(output, out.join('\n') + '\n');
