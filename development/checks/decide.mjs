// A second engine for IAM's decisions: @cloud-copilot/iam-simulate, which knows from AWS's service authorization
// reference which condition keys and resources an action has. A line of JSON in with cases, one out with the answers.
// A case: {policies, boundary, principal, action, resource, context, resource_policy, owner}, the owner being the account
// of the resource. An answer: {allowed} or {error}. Without a resource policy it is of the identity policies alone: that
// DMS takes a role of another account is its own exception, on record nowhere.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

// The engine compares letter by letter, and JavaScript makes a collator for each pair: two thirds of its time.
const collators = {}
String.prototype.localeCompare = function (other, locales, options) {
  return (collators[`${locales} ${options?.sensitivity}`] ??= new Intl.Collator(locales, options)).compare(this, other)
}

// The reference's ARNs of DMS end with a literal asterisk, so that the engine knows no other tail.
const asInReference = (arn) => arn.replace(/^(arn:[^:]+:dms:[^:]*:[^:]*:[a-z-]+):.*/, '$1:*')
const named = (documents) => documents.map((policy, number) => ({ name: `policy-${number}`, policy }))

async function decide({ policies, boundary, principal, action, resource, context, resource_policy, owner }) {
  const answer = await runSimulation({
    request: {
      principal,
      action,
      resource: { resource: asInReference(resource), accountId: owner || principal.split(':')[4] },
      contextVariables: context,
    },
    identityPolicies: named(policies),
    permissionBoundaryPolicies: boundary ? named([boundary]) : undefined,
    resourcePolicy: resource_policy ?? undefined,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }, {})
  if (answer.resultType === 'error') return { error: JSON.stringify(answer.errors) }
  if (resource_policy) return { allowed: answer.overallResult === 'Allowed' }
  const results = answer.resultType === 'single' ? [answer.result] : answer.results
  const allowed = results.length > 0 && results.every(({ analysis }) =>
    analysis.identityAnalysis.result === 'Allowed' && (!boundary || analysis.permissionBoundaryAnalysis.result === 'Allowed'))
  return { allowed }
}

for await (const cases of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await Promise.all(JSON.parse(cases).map(decide))))
}
