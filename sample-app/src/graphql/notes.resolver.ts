import { UseGuards } from '@nestjs/common';
import { Args, ArgsType, Field, ID, Mutation, ObjectType, Query, Resolver, Subscription } from '@nestjs/graphql';
import { CurrentUser, JwtKnoxGuard, Scopes } from 'nestjs-jwt-knox';
import { Note } from '../notes/note.entity.js';
import { CreateNoteDto } from '../notes/notes.controller.js';
import { NotesService } from '../notes/notes.service.js';
import { User } from '../users/user.entity.js';

@ObjectType('Note')
class NoteType {
  @Field(() => ID) id!: string;
  @Field() text!: string;
  @Field() createdAt!: Date;
}

@ArgsType()
class AddNoteArgs extends CreateNoteDto {
  @Field(() => String) override text!: string;
}

/** The same notes as at `/notes`, behind the same guard and the same rights. */
@Resolver()
@UseGuards(JwtKnoxGuard)
export class NotesResolver {
  constructor(private readonly stored: NotesService) {}

  @Query(() => String)
  me(@CurrentUser('username') username: string) {
    return username;
  }

  @Query(() => [NoteType])
  @Scopes('notes:read')
  async notes(@CurrentUser() user: User) {
    return (await this.stored.list(user)).map(noteOf);
  }

  @Mutation(() => NoteType)
  @Scopes('notes:write')
  async addNote(@CurrentUser() user: User, @Args() { text }: AddNoteArgs) {
    return noteOf(await this.stored.add(user, text));
  }

  /** The notes that the user adds, wherever they do: open until their session ends. */
  @Subscription(() => NoteType, { resolve: ([note]: [Note]) => noteOf(note) })
  @Scopes('notes:read')
  noteAdded(@CurrentUser() user: User) {
    return this.stored.addedBy(user);
  }
}

const noteOf = ({ id, text, createdAt }: Note): NoteType => ({ id, text, createdAt: new Date(createdAt) });
