// What orval makes: functions on `fetch`, which is told where the service is and who calls.
export default {
  clientele: {
    input: '../openapi/clientele.json',
    output: {
      target: 'generated/orval/clientele.ts',
      client: 'fetch',
      override: {
        mutator: { path: 'main-flow/orval-fetch.ts', name: 'clienteleFetch', extension: '.js' },
        fetch: { forceSuccessResponse: true },
      },
    },
  },
};
