// A profile for scanhost: it shows high and critical findings, the worst first, and whether each is urgent.

const FIELDS = ['host', 'port', 'plugin_name', 'severity', 'cvss_score', 'exploit_available'];

export const planner = {
  describe(definition) {
    permit(definition);
    const urgent = { name: 'urgent', type: 'boolean', description: 'severity is critical, or an exploit exists' };
    return { name: '@NAME@', version: '0.1.0', fields: { tag: 'some', val: FIELDS }, derived: [urgent], shapes: true };
  },

  plan(definition, columns) {
    permit(definition);
    return {
      fields: { tag: 'some', val: FIELDS },
      filters: '{"severity": ">=High"}',
      group: undefined,
      order: [{ field: 'cvss_score', descending: true }],
    };
  },

  // Each row is a JSON object. It has to return as many rows, in the same order.
  shape(definition, rows) {
    return rows.map((row) => {
      const values = JSON.parse(row);
      values.urgent = values.severity === 'Critical' || values.exploit_available === true;
      return JSON.stringify(values);
    });
  },
};

// Refuses keys in the entry of `profiles.yaml`: this profile has no settings.
function permit(definition) {
  let keys;
  try {
    keys = JSON.parse(definition);
  } catch {
    keys = null;
  }
  if (typeof keys !== 'object' || keys === null || Array.isArray(keys)) throw 'the definition should be an object';
  for (const key of Object.keys(keys)) throw `unknown key \`${key}\`: this profile has no settings`;
}
