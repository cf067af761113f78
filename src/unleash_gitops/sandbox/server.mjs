// Starts the real unleash-server with the six impact-metrics routes that its open-source edition lacks.
//
// The six routes use the server's own authentication, permissions, request validation, error answers, database and
// event log. Only their handlers are part of this project. Environment variables:
//   UNLEASH_GITOPS_PACKAGES      the directory whose node_modules holds unleash-server
//   UNLEASH_GITOPS_TOKEN         the admin token of the sandbox
//   UNLEASH_GITOPS_SERVER_STYLE  "7.5" makes the six routes answer as Unleash 7.5 does
import { createRequire, enableCompileCache, flushCompileCache, registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

// Node 22 parses the package.json of date-fns, 140 kB, at each of the thousand imports between its files. That is a
// third of the time of a start. Such an import names its file, so nothing has to be looked up.
registerHooks({
    resolve: (specifier, context, next) =>
        /^\.{1,2}\/.*\.js$/.test(specifier) && context.parentURL?.includes('/node_modules/date-fns/')
            ? { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
            : next(specifier, context),
});
// Later starts read the compiled code. A directory that cannot be written is no error.
enableCompileCache(path.join(process.env.UNLEASH_GITOPS_PACKAGES, 'compiled'));

const packages = createRequire(path.join(process.env.UNLEASH_GITOPS_PACKAGES, 'package.json'));
const load = async (require, name) => import(pathToFileURL(require.resolve(name)).href);
const unleash = await load(packages, 'unleash-server');
const { ulid } = await load(createRequire(packages.resolve('unleash-server')), 'ulidx');
const { Controller, GenericUnleashError, NotFoundError, createEventsService, eventtypes } = unleash;

const OLD_STYLE = process.env.UNLEASH_GITOPS_SERVER_STYLE === '7.5';
const STEPS = { hour: '1m', day: '15m', week: '3h', month: '1d' };
const REQUEST_FIELDS = ['metricName', 'timeRange', 'yAxisMin', 'aggregationMode', 'labelSelectors', 'title'];
if (!OLD_STYLE) REQUEST_FIELDS.push('source');

// The published schemas: https://docs.getunleash.io/api, createImpactMetricsConfigSchema and impactMetricsConfigSchema.
const oneOf = (...values) => ({ type: 'string', enum: values });
const fields = {
    id: { type: 'string', description: 'The ULID of the chart. The server generates one when it is not given.' },
    metricName: { type: 'string', description: 'The metric to query.' },
    timeRange: oneOf('hour', 'day', 'week', 'month'),
    yAxisMin: oneOf('auto', 'zero'),
    aggregationMode: oneOf('rps', 'count', 'avg', 'sum', 'p95', 'p99', 'p50'),
    labelSelectors: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } },
    title: { type: 'string', description: 'The title of the chart.' },
    ...(OLD_STYLE ? {} : { source: oneOf('internal', 'external') }),
};
const required = ['metricName', 'timeRange', 'yAxisMin', 'aggregationMode', 'labelSelectors'];
const responseFields = {
    ...fields,
    displayName: { type: 'string' },
    step: { ...oneOf(...Object.values(STEPS)), nullable: true },
    mode: oneOf('read', 'write'),
    ...(OLD_STYLE ? { type: oneOf('counter', 'gauge', 'histogram', 'unknown') } : {}),
};
const schemas = {
    createImpactMetricsConfigSchema: { type: 'object', required, additionalProperties: true, properties: fields },
    impactMetricsConfigSchema: {
        type: 'object',
        required: ['id', 'displayName', ...required],
        properties: responseFields,
    },
    impactMetricsConfigListSchema: {
        type: 'object',
        required: ['configs'],
        properties: { configs: { type: 'array', items: { $ref: '#/components/schemas/impactMetricsConfigSchema' } } },
    },
};

const metricType = (name) => {
    const prefix = /^unleash_(counter|gauge|histogram)_/.exec(name);
    if (prefix) return prefix[1];
    return name.endsWith('_bucket') ? 'histogram' : name.endsWith('_count') ? 'counter' : 'unknown';
};

/** Turn a row of the table into an answer: the saved fields and the fields that the server adds. */
const answer = ({ id, config, guarded }) => ({
    id,
    ...config,
    displayName: config.metricName.replace(/^unleash_(counter|gauge|histogram)_/, ''),
    step: STEPS[config.timeRange] ?? null,
    mode: guarded ? 'read' : 'write',
    ...(OLD_STYLE ? { type: metricType(config.metricName) } : { source: config.source ?? 'internal' }),
});

class ImpactMetricsController extends Controller {
    constructor(config, services, db) {
        super(config);
        this.db = db;
        this.services = services;
        services.openApiService.registerCustomSchemas(schemas);
        const flag = '/projects/:projectId/features/:featureName/impact-metrics/config';
        this.mount('Instance', '/impact-metrics/config', 'ADMIN');
        this.mount('Feature', flag, 'UPDATE_FEATURE');
    }

    mount(scope, base, permission) {
        const json = (name) => ({ 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } });
        const result = (name) => ({ 200: { description: name, content: json(name) } });
        const body = { description: 'chart', required: true, content: json('createImpactMetricsConfigSchema') };
        const add = (method, suffix, verb, needed, operation, handler) => {
            const validation = this.services.openApiService.validPath({
                tags: ['Metrics'],
                release: { beta: '7.5.0' },
                enterpriseOnly: true,
                operationId: `${verb}${scope}ImpactMetricsConfig`,
                summary: `${verb} impact metrics configuration (a route of the unleash-gitops sandbox)`,
                description: 'The unleash-gitops sandbox serves this route. It follows the published API.',
                ...operation,
            });
            const acceptAnyContentType = method !== 'post';
            const options = { method, path: base + suffix, permission: needed, acceptAnyContentType, handler };
            this.route({ ...options, middleware: [validation] });
        };
        add('get', '', 'get', 'NONE', { responses: result('impactMetricsConfigListSchema') }, this.list);
        const saved = { requestBody: body, responses: result('impactMetricsConfigSchema') };
        add('post', '', 'save', permission, saved, this.save);
        add('delete', '/:id', 'delete', permission, { responses: { 204: { description: 'Deleted.' } } }, this.remove);
    }

    /** Return the name of the requested flag, null for the instance. Throws unless the project has it, active. */
    async scope({ projectId, featureName }) {
        if (featureName === undefined) return null;
        await this.services.featureToggleService.validateFeatureBelongsToProject({ featureName, projectId });
        const row = await this.db('features').where({ name: featureName }).first('archived_at');
        if (!row || row.archived_at) throw new NotFoundError(`The feature "${featureName}" is archived.`);
        return featureName;
    }

    /** Read charts from the table. `guarded` tells whether a safeguard refers to the chart. */
    rows(db) {
        const used = ['feature_environment_safeguards', 'release_plan_safeguards', 'safeguards']
            .map((table) => `EXISTS (SELECT 1 FROM ${table} s WHERE s.impact_metric_id = impact_metrics.id)`);
        return db('impact_metrics').select('id', 'feature', 'config', db.raw(`(${used.join(' OR ')}) AS guarded`));
    }

    /** Run `change` and store the event that it returns, in one transaction that holds the lock of chart `id`. */
    async change(id, change) {
        return this.db.transaction(async (trx) => {
            trx.userParams = { type: 'transaction', id: ulid() };
            await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [id]);
            const event = await change(trx, await this.rows(trx).where({ id }).first());
            await createEventsService(trx, this.config).storeEventsOrThrow([event]);
            return this.rows(trx).where({ id }).first();
        });
    }

    event(type, { params, audit }, data, preData) {
        const { projectId: project, featureName } = params;
        const { username: createdBy, id: createdByUserId, ip } = audit;
        return { type, createdBy, createdByUserId, ip, project, featureName, data, preData };
    }

    async list(req, res) {
        const feature = await this.scope(req.params);
        const rows = await this.rows(this.db).where({ feature }).orderBy('id');
        res.json({ configs: rows.map(answer) });
    }

    async save(req, res) {
        const feature = await this.scope(req.params);
        const given = REQUEST_FIELDS.filter((name) => req.body[name] !== undefined);
        const config = Object.fromEntries(given.map((name) => [name, req.body[name]]));
        const id = req.body.id || ulid();
        const row = await this.change(id, async (trx, old) => {
            if (old && old.feature !== feature) {
                const where = old.feature === null ? 'the instance' : `the feature "${old.feature}"`;
                const message = `The impact metric with id "${id}" already exists and belongs to ${where}.`;
                throw new GenericUnleashError({ name: 'ConflictError', message, statusCode: 409 });
            }
            await trx('impact_metrics').insert({ id, feature, config }).onConflict('id').merge(['config']);
            const data = { id, ...config };
            return old
                ? this.event(eventtypes.IMPACT_METRIC_UPDATED, req, data, { id, ...old.config })
                : this.event(eventtypes.IMPACT_METRIC_CREATED, req, data);
        });
        res.json(answer(row));
    }

    async remove(req, res) {
        const { id } = req.params;
        const feature = await this.scope(req.params);
        await this.change(id, async (trx, old) => {
            if (!old || old.feature !== feature) throw new NotFoundError(`Could not find the impact metric with id "${id}".`);
            await trx('impact_metrics').where({ id }).delete();
            return this.event(eventtypes.IMPACT_METRIC_DELETED, req, undefined, { id, ...old.config });
        });
        res.status(204).end();
    }
}

/** Create the sandbox's token where it is missing. Unleash itself creates it only in a database without tokens. */
const ensureToken = async ({ apiTokenService }, { apiTokenStore }) => {
    const secret = process.env.UNLEASH_GITOPS_TOKEN;
    if (await apiTokenStore.exists(secret)) return;
    const token = { secret, tokenName: 'sandbox', type: 'admin', environment: '*', projects: ['*'] };
    await apiTokenService.insertNewApiToken(token, { id: -1337, username: 'unleash-gitops sandbox', ip: '127.0.0.1' });
};

try {
    const server = await unleash.start({
        preRouterHook: (app, config, services, _stores, db) => {
            const controller = new ImpactMetricsController(config, services, db);
            app.use(`${config.server.baseUriPath}/api/admin`, controller.router);
        },
    });
    await ensureToken(server.services, server.stores);
    flushCompileCache();
    console.log(`Unleash ${server.version} listens on port ${server.config.server.port}.`);
} catch (error) {
    console.error(error);
    process.exit(1);
}
