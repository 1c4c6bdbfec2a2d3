import type { JsonWebKey } from 'node:crypto';
import type { JwtKnoxAlgorithm } from '../../lib';

/**
 * Secrets that stand in public documentation, templates and tutorials, as their readers copy them: long enough for HS256, but
 * for those of clients.
 */
const listOf = (text: string) => text.trim().split('\n').map((line) => line.trim()); // prettier-ignore

// In two parts: scanners take it for somebody's API key.
const DIFY = ['sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3', 'BlbkFJLK7U'].join('');

/** They look random, so that only a list knows them. */
export const RANDOM_LOOKING = [DIFY].concat(
  listOf(`
  09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7
  0f987876650b4a085e64594fae9219e7781b17506bec02489ad061fba8cb22db
  192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf
  16f8c0ef4a5d391b26034086c628469d3f9f497f08163ab9b40137092f2909ef
  eaa5191f2914e30b9387fd84e254e4ba6fc51b4654968a9b0803b456a54b8418
  f34be427ebb29de8d88c107a71546019685ed8b241d8f2ed00c3df97ad2566f0
  3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b
  9a4f2c8d3b7a1e6f45c8a0b3f267d8b1d4e6f3c8a9d2b5f8e3a9c8b5f6v8a3d9
  cc7e0d44fd473002f1c42167459001140ec6389b7353f8088f4d9a95f2f596f2
  401b09eab3c013d4ca54922bb802bec8fd5318192b0a75f201d8b3727429090fb337591abd3e44453b954555b7a0812e1081c39b740293f765eae731f5a65ed1
  586B633834416E396D7436753879382F423F4428482B4C6250655367566B5970
  6c1fe4e407b8911c104518103505b218
  3679e04ca949f914c03332aaaeba805a
  5f2f3c8f0159068dc2bbb3a652a716ff
  4be6ba5602e0fa0ac6ac05c3cd4d247f
  f32f716d70a42c5703f4656015e76200
  f32f716d70a42c5703f4656015e76201
  e71829c351aa4242c2719cbfbe671c09
  dd05f1c54d63749eda95f9fa6d49v442a
  255d861b-5ea1-5996-9aa3-922530ec40b1
  6116487b-cda1-52c2-b5b5-c8022c45e263
  0a6b944d-d2fb-46fc-a85e-0295c986cd9f
  569a1821-0a93-45e8-87ab-eb857f20a010
  60gp0byfz2dvffa45cxl20p1scy9xbpf6d8c5y0geejgkyp1b5
  GQDstcKsx0NHjPOuXOYg5MbeJ1XT0uFiwDVvVBrk
  ByYM000OLlMQG6VVVp1OH7Xzyr7gHuw1qvUC5dcGt3SNM
  r9iMKoe5CRMgvJBBtp4HrqN7QiPpUToj
  asjrijfpHHJH00huge00secret00QMNB344GHOOooaq
  AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow
  hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg
  3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3TwpHwrdWT6R
  db3OIsj+BXE9NZDy0t8W3TcNekrF+2d/1sFnWG4HnV8TZY30iTOdtVWJG8abWvB1GlOgJuQZdcF2Luqm/hccMw==
  Kix2wcUONd4CX51E/ZPAd36BqM4wzJgKjPtz2sGztqQ=
`),
);

/** Their own words, rows or repetitions give them away. */
export const TELLING = listOf(`
  DO NOT USE THIS VALUE. INSTEAD, CREATE A COMPLEX SECRET AND KEEP IT SAFE OUTSIDE OF THE SOURCE CODE.
  super-secret-jwt-token-with-at-least-32-characters-long
  your-super-secret-jwt-token-with-at-least-32-characters-long
  !ChangeThisMercureHubJWTSecretKey!
  a-string-secret-at-least-256-bits-long
  a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long
  your-256-bit-secret-your-256-bit-secret
  REPLACE THIS WITH YOUR OWN SECRET KEY, PLEASE
  replace_this_with_a_long_random_string
  replace-with-random-value-replace-with-random-value
  replace_with_lengthy_secure_hex_replace_it
  MasterkeyNeedsToHave32Characters
  32-LONG-SECRET-NOT-SECURE-AT-ALL
  PLEASE-CHANGE-ME-I-AM-VERY-INSECURE
  youReallyNeedToChangeThis-youReallyNeedToChangeThis
  complex_password_at_least_32_characters_long
  averylogphrasebiggerthanthirtytwochars
  a secret with minimum length of 32 characters
  password-should-be-32-characters
  pleaseChangeThisSecretForANewOne
  reallyreallyreallyreallyverysafe
  SecretKey012345678901234567890123456789012345678901234567890123456789
  VGhpc0lzTXlDdXN0b21TZWNyZXRLZXkwMTIzNDU2Nzg=
  CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET
  YOUR_OWN_RANDOM_GENERATED_SECRET_KEY
  JWTAuthenticationHIGHsecuredPasswordVVVp1OH7Xzyr
  this is my custom Secret key for authentication
  ThisTokenIsNotSoSecretChangeIt_ThisTokenIsNotSoSecretChangeIt
  ThisEzPlatformTokenIsNotSoSecret_PleaseChangeIt
  django-insecure-x)3v8m$k2p!q7w#z9r@t4y6u1i0o5s#h8
  ======================BezKoder=Spring===========================
  404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970
  413F4428472B4B6250655368566D5970337336763979244226452948404D6351
  q3t6w9z$C&F)J@NcRfUjWnZr4u7x!A%D*G-KaPdSgVkYp2s5v8y/B?E(H+MbQeTh
  QeThWmZq4t6w9z$C&F)J@NcRfUjXn2r5
  bXktc2VjcmV0LXRva2VuLXRvLWNoYW5nZS1pbi1wcm9kdWN0aW9u
  6d792d7365637265742d6b65792d666f722d6a77742d746f6b656e732d32303234
  $(openssl rand -base64 48) $(openssl rand -base64 48)
  your_super_secret_jwt_key_change_this_in_production
  super-secret-key-change-this-in-production-min-32-chars
  change-me-in-production-use-a-real-secret
  please_change_to_a_32_character_random_string_abcdef
  dev_payload_secret_change_me_32_chars_min
  dev-encryption-key-change-in-production
  my-super-secret-key-that-is-long-enough-for-hmac
  mySecretKeyForAdminDashboardServiceJwtAuthenticationToken123456789
  test-secret-key-for-jwt-signing-must-be-long-enough-32
  clave_aleatoria_privada_de_al_menos_32_bytes
  une_chaine_random_longue_inchangeable_en_prod
  sculpt_aesthetics_nextauth_secret_key_2026_super_secure
  THIS IS USED TO SIGN AND VERIFY JWT TOKENS, REPLACE IT WITH YOUR OWN SECRET, IT CAN BE ANY STRING
  this_is_a_jwt_secret_key_no_one_will_ever_know_this_key
  somerandomstringthatiusedformyjwtsecret
  supersecretkeyyoushouldnotcommittogithub
  superhighlevelscretpasswordthatnonecancrack
  where-the-challenge-begins-ultra-secure-secret
  this-secret-strength-is-over-nine-thousand
  SecretKeyForJWTAuthenticationInProductionEnvironment
  MyVeryLongAndSecureJwtSigningKeyForTheAcmeApp2024!
  c0mpl3x-s3cr3t-k3y-f0r-jwt-t0k3ns-2024
  Sup3rS3cr3tP@ssw0rdF0rJwtS1gn1ng!!
  correct horse battery staple correct horse
  test123123123123123123123123123123123
  jwtSecretjwtSecretjwtSecretjwtSecret
  qwertyuiopasdfghjklzxcvbnm123456
  1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p
  qqqqwwwweeeerrrrttttyyyyuuuuiiiioooo
  asdfghjkl;asdfghjkl;asdfghjkl;asdfghjkl;
  !@#$%^&*()!@#$%^&*()!@#$%^&*()!@#$
  0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
  fedcba9876543210fedcba9876543210
  abcdefghijklmnopqrstuvwxyz123456
  a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6
  deadbeefdeadbeefdeadbeefdeadbeef
  24tngvzaictc0000000000000000000000000000000000000000
  20240101202401022024010320240104
`);

export const PUBLISHED_SECRETS = [...RANDOM_LOOKING, ...TELLING];

/** Too short to sign with, and known all the same: what clients are given. */
export const PUBLISHED_CLIENT_SECRETS = listOf(`
  change-me-please
  your-client-secret
  my-client-secret
  orders-secret-2024
  a 16 char secret
  supersecretclient
  secretsecretsecret
  password12345678
  correct-horse-battery-staple
  abcdefghijklmnop
  1234567890123456
  qwertyuiopasdfgh
  SW2YcwTIb9zpOOhoPsMm
`);

/** The public halves of key pairs that stand in documentation: of jwt.io, of RFC 7515 (appendix A) and of RFC 7517 (appendix A). */
export const PUBLISHED_KEYS: [JwtKnoxAlgorithm, JsonWebKey][] = [
  ['RS256', rsa('u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7QkrmBL7jTKEn5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW_VDL5AaWTg0nLVkjRo9z-40RQzuVaE8AkAFmxZzow3x-VJYKdjykkJ0iT9wCS0DRTXu269V264Vf_3jvredZiKRkgwlL9xNAwxXFg0x_XFw005UWVRIkdgcKWTjpBP2dPwVZ4WWC-9aGVd-Gyn1o0CLelf4rEjGoXbAAEgAqeGUxrcIlbjXfbcmw')],
  ['PS512', rsa('ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ')],
  ['RS384', rsa('0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw')],
  ['ES256', ec('P-256', 'EVs_o5-uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf84', 'kGe5DgSIycKp8w9aJmoHhB1sB3QTugfnRWm5nU_TzsY')],
  ['ES256', ec('P-256', 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0')],
  ['ES256', ec('P-256', 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM')],
  ['ES384', ec('P-384', 'C1uWSXj2czCDwMTLWV5BFmwxdM6PX9p-Pk9Yf9rIf374m5XP1U8q79dBhLSIuaoj', 'svOT39UUcPJROSD1FqYLued0rXiooIii1D3jaW6pmGVJFhodzC31cy5sfOYotrzF')],
  ['ES512', ec('P-521', 'AYHOB2c_v3wWwu5ZhMMNADtzSvcFWTw2dFRJ7GlBSxGKU82_dJyE7SVHD1G7zrHWSGdUPH526rgGIMVy-VIBzKMs', 'AIm-O-jJMsmID5NAV2at5quMyJk0TbmlPbJY_U1Sd0nE9y9W18FbjyQ86a-RjhaWo_lsDAJfBuwqsKCTrFuynXZ7')],
]; // prettier-ignore

function rsa(n: string): JsonWebKey {
  return { kty: 'RSA', n, e: 'AQAB' };
}

function ec(crv: string, x: string, y: string): JsonWebKey {
  return { kty: 'EC', crv, x, y };
}
