import { randomUUID } from 'node:crypto';
import { Body, Controller, Get, Post, UseGuards } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Matches } from 'class-validator';
import { CurrentUser, JwtKnoxGuard, Scopes } from 'nestjs-jwt-knox';
import type { Repository } from 'typeorm';
import { User } from '../users/user.entity.js';
import { Note } from './note.entity.js';

/** Most notes that one answer shows, newest first. */
const PAGE = 100;

export class CreateNoteDto {
  // Counts what the column counts; `@Length` takes some pairs of characters for one.
  @Matches(/^[^\0\p{Cs}]{1,1000}$/u, { message: 'text must be 1 to 1000 well-formed characters, none of them NUL' })
  text!: string;
}

/** Everybody's own notes. A login may read and write them, a token for a program what its scopes say. */
@Controller('notes')
@UseGuards(JwtKnoxGuard)
export class NotesController {
  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @Get()
  @Scopes('notes:read')
  async list(@CurrentUser() user: User) {
    const order = { createdAt: 'DESC', id: 'DESC' } as const;
    return (await this.notes.find({ where: { userId: user.id }, order, take: PAGE })).map(noteBody);
  }

  @Post()
  @Scopes('notes:write')
  async add(@CurrentUser() user: User, @Body() { text }: CreateNoteDto) {
    const note = { id: randomUUID(), userId: user.id, text, createdAt: Date.now() };
    await this.notes.insert(note);
    return noteBody(note);
  }
}

function noteBody({ id, text, createdAt }: Note) {
  return { id, text, created_at: new Date(createdAt).toISOString() };
}
