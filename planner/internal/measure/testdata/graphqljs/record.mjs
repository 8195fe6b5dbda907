// Writes strings.ndjson beside itself: documents full of odd strings, and what graphql-js reads in them: the number of root
// fields and the values of the first argument, null when it refuses the document. Run it where graphql 16.11.0 can be
// resolved, for instance: NODE_PATH=../../../merge/testdata/graphqljs/node_modules node record.mjs
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';

const { parse } = createRequire(`${process.env.NODE_PATH}/graphql/package.json`)('graphql');
let seed = 12345;
const below = (n) => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 8) % n;
const inBlocks = [' ', ' ', '\t', '\n', '\n', '\r', '\r\n', 'a', 'b', '"', '"', '\\', '\\"""', '\u00a0', 'é', '\u2028', '😀', '\ufeff', '#', ',', '\\n'];
const inStrings = ['a', 'é', '\\n', '\\u0041', '\\u{1F600}', '\\uD83D\\uDE00', '\\"', '\\\\', '\\/', '\\b', '#', '\u00a0', '\u2028', '\t', '😀', '\\u{0041}', '"""', ' '];

function read(document) {
  try {
    const fields = parse(document).definitions[0].selectionSet.selections;
    return { fields: fields.length, values: fields[0].arguments[0].value.values.map((v) => v.value) };
  } catch {
    return null;
  }
}

const lines = [];
for (let i = 0; i < 1500; i++) {
  const alphabet = i % 5 ? inBlocks : inStrings;
  const quotes = i % 5 ? '"""' : '"';
  let text = '';
  for (let n = below(10); n > 0; n--) text += alphabet[below(alphabet.length)];
  const document = `{f(a: [${quotes}${text}${quotes}, "z"])}`;
  lines.push(JSON.stringify({ document, read: read(document) }));
}
for (const document of [
  '{f(a: ["""x"""" , "]) secret g(a: [" # "\n]) }',
  '{f(a: ["""x""""y"])}',
  '{f(a: ["""""""y"])}',
  '{f(a: ["""first\n    second\n      third\n\n    """])}',
  '{f(a: ["""\n    first\n  second"""])}',
  '{f(a: [""" first\n second"""])}',
  '{f(a: ["""a""", """b\n c""", "d"])}',
]) {
  lines.push(JSON.stringify({ document, read: read(document) }));
}
writeFileSync(new URL('strings.ndjson', import.meta.url), lines.join('\n') + '\n');
