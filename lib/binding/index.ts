export { deviceBinding } from './feature';
export type { BindingPolicy, DeviceBindingOptions } from './binding.options';
export { RequireBound } from '../guard/route-rights';
export {
  BindingError,
  BindingRequiredError,
  InvalidDpopProofError,
  UseDpopNonceError,
} from '../contracts/binding-errors';
export type { BindingRefusal } from '../contracts/binding-errors';
