// What a change of the audit changed, field by field. No DOM here.

/**
 * @param {Record<string, unknown> | null} antes
 * @param {Record<string, unknown> | null} depois
 * @returns {{ campo: string, antes: unknown, depois: unknown }[]} Without the fields that stay as they
 *   were; a value is `undefined` where the field was not there.
 */
export function differences(antes, depois) {
  const campos = [...new Set([...Object.keys(antes ?? {}), ...Object.keys(depois ?? {})])];
  return campos
    .map((campo) => ({ campo, antes: antes?.[campo], depois: depois?.[campo] }))
    .filter((field) => JSON.stringify(field.antes) !== JSON.stringify(field.depois));
}
