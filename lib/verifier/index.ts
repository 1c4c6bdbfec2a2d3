export { JwtKnoxVerifierModule } from './verifier.module';
export type {
  CommonVerifierOptions,
  IntrospectionOptions,
  IntrospectionVerifierOptions,
  JwksOptions,
  JwksVerifierOptions,
  JwtKnoxVerifierExtras,
  JwtKnoxVerifierOptions,
  JwtKnoxVerifierOptionsFactory,
  JwtKnoxVerifierSettings,
  RevocationsOptions,
  RevocationsVerifierOptions,
  StorageVerifierOptions,
} from './verifier.options';
export { TokenVerifier } from '../sessions/token-verifier';
