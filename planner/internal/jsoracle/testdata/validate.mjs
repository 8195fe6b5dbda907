// Set-up {"sdl"}; cases are documents; answers are the messages of parse and validate.
import { buildSchema, parse, validate, version } from 'graphql';
import { answers, setup } from './lines.mjs';

const schema = buildSchema(setup.sdl, { assumeValidSDL: true });
await answers(version, (document) => {
  try {
    return validate(schema, parse(document), undefined, { maxErrors: 5 }).map((e) => e.message);
  } catch (e) {
    return [e.message];
  }
});
