import "reflect-metadata";

/**
 * Applies decorators to a class as the TypeScript compiler would, for Nest without a build step.
 * `types` and `methods.x.types` are the parameter types that the compiler would record.
 */
export function decorate(target, { on = [], types, methods = {}, properties = {} }) {
  if (types) Reflect.defineMetadata("design:paramtypes", types, target);
  for (const [name, decorators] of Object.entries(properties)) {
    for (const decorator of decorators) decorator(target.prototype, name);
  }
  for (const [name, method] of Object.entries(methods)) {
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, name);
    Reflect.defineMetadata("design:paramtypes", method.types, target.prototype, name);
    method.parameters.forEach((decorator, index) => decorator(target.prototype, name, index));
    for (const decorator of method.on) decorator(target.prototype, name, descriptor);
  }
  for (const decorator of on) decorator(target);
}
