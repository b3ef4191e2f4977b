// A Node program with OpenTelemetry's own SDK and OTLP exporter: one LLM call without a cost, in a trace.
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${process.argv[3]}`);
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { context, trace } = require('@opentelemetry/api');

const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': `node-${process.argv[3]}` }),
  spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter({ url: `${process.argv[2]}/v1/traces` }))],
});
const tracer = provider.getTracer('program');
const root = tracer.startSpan('GET /answer');
const call = tracer.startSpan('chat gpt-4o', {
  attributes: {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 100,
  },
}, trace.setSpan(context.active(), root));
call.end();
root.end();
provider.shutdown().then(() => console.log(root.spanContext().traceId));
