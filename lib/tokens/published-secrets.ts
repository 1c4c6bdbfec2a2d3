/**
 * Secrets that look random and stand in public documentation, templates and tutorials: FastAPI, Flask, Nhost, Hasura, Directus,
 * Infisical, LibreChat, Plane, Dify, the RFCs and others. As SHA-256 in base64url of their letters and digits in lower case, so
 * that no scanner takes this file for a leak.
 */
export const PUBLISHED_SECRETS: ReadonlySet<string> = new Set(
  `
  04QmznC1Z_5R-_TbnaQ32TuBFzZLqmOoeZEcnFc2Iuk 0zOJ0CQfozvtQwzLrtQAYFxda9QOzqb29MqMNngo1rk
  1FbeeSdYqwX_GngrPQ0eX6PJzKbta5zAgKumuf1a5XA 76b10k7ML7Ux4TR87SMf8JhCcjwS1Y5cim3HsF92ezs
  BOrhA3iwotHHxMt6VDWzs51gZNmSSTRWhQ2nOc-H1m0 H9E0qwzDQmBRyvD1ZHJaxQADDaf1WfAbUBpu1pGd_nc
  HHytMs4amuwrM9nVZgRFfB1yqedjW5NvflvbBGQqzWA HSMgZE1ar4tJtpMFzbkBASe9oH1OlOkZwTxn4BvypjY
  HYwwbMI75qIfTDbXSGDIzLodum2gw9m0on3BeIG4YDs JWSeHB5G4zM6B7ZRRmu0IXaFIIzrsIcMsRw20r7dvzQ
  JZj31q3BQtiBYWMPPbEqsr00A1IcKBgR5eHOYNSsXXY KCrV9gJhY5_v7TgZdrTQ3eUuq1Unoasux11b4e-hFls
  KLEGIo3UvYLt4nPytY4W_Ouu5zU6Qun-wN6g3mZbPxw LVZkggfQi8f1lMugxVy1R8E4v5eJJ-PZCBewqap77Lc
  Lju05dw29jmK9dVa4U8_2BMQASBxWR6sxfIexYG5Ffw MlAVjWT_d8eNnw1bMDQ5SV-UeHLbeeUQR7rPcYhdx5Y
  NK1AUbWlZzIyoMuhG_1TLPlvJC9p1_S-Gp0vChBArHg Q9cVsCsSG5VeqF6qnUI6yxeCnEYHFnpLb2BZqCf7-hQ
  ROm0RIOrUwVxWEd5W36pM6SMRt8PYA8I2_-CCfx-R3Q Rc0ZHjB8QWj07FMJ64ilbSgmHt-8ovZMvWXKWexn18c
  U7Ob8oecJ5z5Lxx5DQoiTbvBo_o9PODrpq-9IQfbL-o Vw2tQ94a9Mkl-SwWpopQk22kK33W_eskhQUHoRmarIk
  WUwIHSPeIrF4ujSpyFUf4j06cDTZJxely0oFQzekxxQ Xfc-GqWdjzMsL1_W6hw30PIma2I-o8Tv5ss9V3_WpeE
  aQJPIemtF1lNzM2T6HOZrySlQmzP5hCNF4fwM1lmq8Q fBFUtRUpg5eBR-qH5KIGbUdoZz6dhdanks3cL3hO_S8
  fR8hcTh8-UGZzXdZ45mTgHoLNiFK052OA_nYijX9rq0 jlFmxjCVHgqFjLGMxLLmjMTctXGzHKH8GR5nNeB2RTM
  kh7bRZYI0kIMYFL8wcaX9p7DAggB3Cd-dDB5Sm3U5YI omiQZHeahPgu680mMc0MtFUzZXk49fuFaPP7bzGJwdE
  oxSmx8BXDqF2amHgR1FnxK6AKcGLWoXSBUc807vXPtQ qrASfkT3rX3y0FKneFG0TRRyrRVvFmHgLorfLDNg07A
  r0xcq3GlYwkUyX-2Zpvowb28W38K-q74bGlxvmVaKcY u2aU8TFgNRUyHX--5v8yNT8b91t_8o_XMN-R_lPD3cY
  xlZFYa2lHGSbr9DUIV6a2b8YZvu-jeg7lvvFBmTBclQ
`.trim().split(/\s+/),
); // prettier-ignore

/**
 * Key pairs whose private half is published: those of jwt.io, and of RFC 7515 and 7517. As SHA-256 in base64url of the public
 * key's SPKI.
 */
export const PUBLISHED_KEYS: ReadonlySet<string> = new Set([
  '9WyLASJ_Yt28FusppqwLMQ4nZ2Cl4GMC-ogaNRRva8c',
  'pA8PLil03HaoLfb_4I7Q15lVx5560MINl66Pkkat4cE',
  'MC4mwJjP3i2xMemjsSzkxBu9sMIeGf2qSkQnNmS8WB4',
  'CatmrLCuBa_kI3VMfembQnugtVauN35XuHIRRGZuXzY',
  'K9G7DESol8MKeqCZHN442AYv5EHeUNoPRoJTRPYC6Cc',
  'b9E8JDWjYefFiM0X9V9a098Bd6ZsFyemogCEX016uIw',
  'UblEzfpUTUwyc6pr81BiWn3VO7tqcXIydPU4sZogd2A',
  'rTIyDPbFltiEsFOBulc6uo3dV0m03o9KI6efmondrrI',
]);
