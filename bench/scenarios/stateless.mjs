// Nest without a guard, and with the usual stateless one: @nestjs/passport and passport-jwt.
import { createParamDecorator } from '@nestjs/common';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { PLATFORMS } from '../groups.mjs';
import { meController, requestUser, startNest } from '../nest-host.mjs';
import { keyOf, meRequest, statelessTokens } from '../tokens.mjs';

const anybody = createParamDecorator(() => ({ id: 'u1' }));

const bare = (platform) => ({
  name: `bare/${platform}`,
  about: `Nest on ${platform}, one route without a guard`,
  async serve({ secret }) {
    const { port } = await startNest(platform, { controllers: [meController({ user: anybody() })] });
    return { port, requests: statelessTokens(secret).map(({ token }) => meRequest(token, 'u1')) };
  },
});

const ABOUT_KEYS = { string: 'its secret as text', 'key-object': 'its secret in a KeyObject' };
const KEYS = {
  string: (secret) => ({ secretOrKey: secret }),
  'key-object': (secret) => {
    const key = keyOf(secret);
    return { secretOrKeyProvider: (_request, _token, done) => done(null, key) };
  },
};

const passportJwt = (platform, keys) => ({
  name: `passport-jwt/${platform}/${keys}`,
  about: `Nest on ${platform}, the stateless guard of @nestjs/passport, ${ABOUT_KEYS[keys]}`,
  async serve({ secret }) {
    class JwtStrategy extends PassportStrategy(Strategy) {
      constructor() {
        super({
          jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
          algorithms: ['HS256'],
          ...KEYS[keys](secret),
        });
      }
      validate({ sub }) {
        return { id: sub };
      }
    }
    const controller = meController({ guard: AuthGuard('jwt'), user: requestUser() });
    const { port } = await startNest(platform, {
      imports: [PassportModule],
      controllers: [controller],
      providers: [JwtStrategy],
    });
    return { port, requests: statelessTokens(secret).map(({ token, sub }) => meRequest(token, sub)) };
  },
});

export const stateless = [
  ...PLATFORMS.map(bare),
  ...PLATFORMS.flatMap((platform) => Object.keys(KEYS).map((keys) => passportJwt(platform, keys))),
];
