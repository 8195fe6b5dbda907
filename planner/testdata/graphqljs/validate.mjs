// Reads the file named first: a JSON object {"sdl", "documents": [...], "introspection": [...]}. Writes to the file named second a JSON object:
// for each document null or the messages of parse and validate, and for each introspection query the result of running it.
import { readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, graphqlSync, parse, validate, version } from 'graphql';

const [, , input, output] = process.argv;
const { sdl, documents, introspection } = JSON.parse(readFileSync(input, 'utf8'));
const schema = buildSchema(sdl, { assumeValidSDL: true });
const check = (text) => {
  try {
    const errors = validate(schema, parse(text), undefined, { maxErrors: 5 });
    return errors.length > 0 ? errors.map((e) => e.message) : null;
  } catch (e) {
    return [e.message];
  }
};
writeFileSync(
  output,
  JSON.stringify({
    version,
    documents: documents.map(check),
    introspection: introspection.map((source) => graphqlSync({ schema, source })),
  }),
);
