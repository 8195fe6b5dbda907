// Set-up {"sdl"}; cases are documents; answers are the messages of the overlapping-fields rule alone.
import { buildSchema, OverlappingFieldsCanBeMergedRule, parse, validate, version } from 'graphql';
import { answers, setup } from './lines.mjs';

const schema = buildSchema(setup.sdl);
await answers(version, (document) => {
  try {
    return validate(schema, parse(document), [OverlappingFieldsCanBeMergedRule]).map((e) => e.message);
  } catch (e) {
    return ['thrown: ' + e.message];
  }
});
